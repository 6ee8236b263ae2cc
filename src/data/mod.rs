//! Files become tables, tables become panels: readers, keys, joins, balance, series.
