"""Values as people write them and papers carry them: amounts, durations, addresses, pages. Imported by everybody."""
