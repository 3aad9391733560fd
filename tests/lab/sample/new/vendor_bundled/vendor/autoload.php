<?php
// The sample bundles no libraries; a tree without this file has no vendor, and nothing runs.
