"""The languages at the door: XML standards, their schemas and their mappings to domain records."""
