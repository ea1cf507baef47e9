"""What a person reads: records become views, views become pages."""
