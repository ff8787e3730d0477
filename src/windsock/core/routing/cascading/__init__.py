"""When an answer is asked for again of a stronger deployment, or beside another one."""
