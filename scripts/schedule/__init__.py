"""When a verb runs by itself: crontab lines and systemd timers, as text; and the moments they mean."""
