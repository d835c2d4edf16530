"""Raw files of the data sets: placed by the user or downloaded, checked, unpacked safely."""
