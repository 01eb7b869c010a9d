"""What a citizen holds: is it true, and is it all (`einmal citizen verify`)?"""
