"""The main job: two real tables through the whole loop, over HTTP, on any stack."""
