"""Making the golden kit: render its pictures, run the pipeline, write down every step."""
