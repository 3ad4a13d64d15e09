"""Problems, plans and outcomes → text, JSON, GitHub annotations. Pure: nothing here prints, reads or asks."""
