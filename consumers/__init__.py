"""The steps of the stream, one module per step: pure logic and one `process`."""
