"""The server: recognition over HTTP and WebSocket, and a page for the browser. Needs extra `serve`.

settings        addresses, limits, the token
run             listens, starts and ends everything
protocols       HTTP/1.1 and WebSocket as uvicorn speaks them, for slow clients too
app             routes, and the answers to what goes wrong
guard           who may call what: the token, other web sites
errors          errors as JSON
metrics         counts for Prometheus
openapi         the description of the API
pages, page/    the page for the browser

forms           what is uploaded, into a temporary file
fields          what the fields of an upload ask for
transcriptions  POST /v1/audio/transcriptions
transcriber     uploads to transcripts, by worker processes
answers         transcripts as OpenAI's API writes them

sessions        a live stream: a socket on one side, a worker process on the other
streams         WebSocket /v1/stream
vosk            WebSocket /vosk

workers         worker processes, as the event loop sees them
requests        what they are asked, and what they answer
service         what a worker process does
recordings      a recording in a worker process
live            a live stream in a worker process

The event loop never decodes or recognises: it moves bytes between sockets and worker processes.
Recordings, which anyone may have made, are decoded in other processes than those of live streams,
so that a recording that kills its process ends no stream.
"""
