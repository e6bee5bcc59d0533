"""The gRPC services: parse, call, format."""
