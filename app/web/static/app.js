/* What any page may use where scripts are allowed. The law: no page needs it; whatever it does can be done without. */
