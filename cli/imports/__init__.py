"""`tether import`: imports files of facts; an interrupted import can be resumed without losses."""
