"""Small faults put into the code one at a time: ``make mutation`` says which of them no unit test notices."""
