"""How the images of a source are shared out among jobs."""

from pretraining_robustness.errors import InputError


def shard_range(images: int, shards: int, shard: int, batch_size: int) -> range:
    """Return the image numbers of one of `shards` contiguous parts that hold all `images`.

    Parts begin at multiples of `batch_size`, so that the batches, and with them the bytes of every image, are the
    same for any number of shards. Parts differ by at most one batch.

    Raises InputError for a shard that does not exist, and for more shards than batches.
    """
    batches = -(-images // batch_size)
    if not 0 <= shard < shards:
        raise InputError(f"shards: shard {shard} does not exist, they are numbered from 0 to {shards - 1}")
    if shards > batches:
        raise InputError(
            f"shards: {images:,} images are {batches:,} batches of {batch_size}, fewer than the {shards} shards; "
            "ask for fewer shards"
        )
    first, end = (batches * one // shards for one in (shard, shard + 1))
    return range(first * batch_size, min(end * batch_size, images))
