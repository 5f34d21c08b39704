"""pytorch-grad-cam as a server: POST /explain with a photo's bytes gives the top five classes and the map, as JSON.

The peer's best: parameters need no gradient, one photo at a time takes all of the engine's threads, reading included.
"""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

import network
import uvicorn
from pytorch_grad_cam import GradCAM
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

model = network.load()
for parameter in model.parameters():
    parameter.requires_grad_(False)
cam = GradCAM(model, [network.last_convolution(model)])
# Its hooks keep what they saw in one place: two at once would mix.
worker = ThreadPoolExecutor(1)


def explained(data):
    _, tensor = network.read_photo(io.BytesIO(data))
    grid = cam(input_tensor=tensor.requires_grad_(), targets=None)[0]
    scores = cam.outputs.detach().softmax(1)[0]
    best = scores.topk(5)
    return {
        "top": list(zip(best.indices.tolist(), best.values.tolist(), strict=True)),
        "scores": grid.tolist(),
    }


async def explain(request):
    data = await request.body()
    loop = asyncio.get_running_loop()
    return JSONResponse(await loop.run_in_executor(worker, explained, data))


if __name__ == "__main__":
    app = Starlette(routes=[Route("/explain", explain, methods=["POST"])])
    uvicorn.run(app, host="127.0.0.1", port=0, log_level="info", access_log=False)
