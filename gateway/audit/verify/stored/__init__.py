"""What is in the database: is every line, row and proof what the house wrote (`einmal log verify`)?"""
