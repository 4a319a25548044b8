"""Several services in one container: started in order, kept running, ended well."""
