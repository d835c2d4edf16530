"""Images from a text-to-image model: prompts, latent diffusion, and a store of what it draws."""
