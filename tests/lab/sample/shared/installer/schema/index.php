<?php
header('Location: ../../tiki-index.php');
