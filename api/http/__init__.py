"""What all routes share: authentication, problems, paging, CloudEvents over HTTP, metrics."""
