package sharevm.disk.qcow2;

import io.airlift.compress.v3.zstd.ZstdJavaCompressor;
import java.util.Arrays;
import sharevm.disk.layer.Noise;
import sharevm.disk.layer.Packer;

/** Compresses clusters by zstd (RFC 8878). */
final class ZstdPacker implements Packer {
  private final ZstdJavaCompressor compressor = new ZstdJavaCompressor();
  private final byte[] out;

  ZstdPacker(int clusterSize) {
    this.out = new byte[compressor.maxCompressedLength(clusterSize)];
  }

  @Override
  public byte[] pack(byte[] block) {
    if (Noise.is(block)) {
      return new byte[0];
    }
    int size = compressor.compress(block, 0, block.length, out, 0, out.length);
    return size < block.length ? Arrays.copyOf(out, size) : new byte[0];
  }

  @Override
  public void close() {
    // Nothing outside the heap.
  }
}
