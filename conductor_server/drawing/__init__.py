"""Pictures of the graph, in every format. Pure: a picture in, text or bytes out."""
