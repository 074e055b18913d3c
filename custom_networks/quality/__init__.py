"""How far a result can be trusted: measures of it, and what they meant on people never seen."""
