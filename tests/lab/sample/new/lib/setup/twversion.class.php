<?php

// Which Tiki this is. Other programs read the version out of this file: keep the form of its line.
class TWVersion
{
    public $branch;
    public $version;
    public $star;
    public $svn;
    public $git;

    public function __construct()
    {
        $this->branch   = 'stable';

        // Set everything else, including defaults.
        $this->version  = '@VERSION@'; // needs to have no spaces for releases
        $this->star     = 'Sample';

        $this->svn  = is_dir('.svn') ? 'y' : 'n';
        $this->git  = is_dir('.git') ? 'y' : 'n';
    }
}
