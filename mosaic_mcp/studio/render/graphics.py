import pysubs2
from mosaic_mcp.studio.render.phrases import Drawn
def drawn(timeline, taken): return Drawn(pysubs2.SSAStyle())
