"""What a Tiki is: where its files are, which version, what it is told in db/local.php, how it is closed."""
