<h1>{$page}</h1><div id="page-data">{$parsed}</div>
