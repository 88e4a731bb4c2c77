package sharevm.disk.layer;

import java.util.Arrays;
import java.util.zip.Deflater;

/** Deflates blocks (RFC 1951), with a zlib header around or without. */
public final class Deflation implements Packer {
  /** Twice as fast as the usual level 6, for one or two percent more bytes. */
  private static final int LEVEL = 4;

  private final Deflater deflater;
  private final byte[] out;

  /** Makes a compressor of raw deflate streams that gives up on what does not become smaller. */
  public static Packer orNothing(int blockSize) {
    Deflation deflation = new Deflation(new Deflater(LEVEL, true), blockSize - 1);
    return new Split(deflation, new Nothing());
  }

  /** Makes a compressor of zlib streams that packs everything, noise without trying. */
  public static Packer always(int blockSize) {
    // Deflate's stored blocks add 5 bytes to each 16 KiB, the zlib header and trailer 6.
    int most = blockSize + blockSize / 1000 + 64;
    return new Split(
        new Deflation(new Deflater(LEVEL), most),
        new Deflation(new Deflater(Deflater.NO_COMPRESSION), most));
  }

  private Deflation(Deflater deflater, int most) {
    this.deflater = deflater;
    this.out = new byte[most];
  }

  @Override
  public byte[] pack(byte[] block) {
    deflater.reset();
    deflater.setInput(block);
    deflater.finish();
    int size = deflater.deflate(out);
    return deflater.finished() ? Arrays.copyOf(out, size) : new byte[0];
  }

  @Override
  public void close() {
    deflater.end();
  }

  /** What looks random goes another way. */
  private record Split(Packer usual, Packer forNoise) implements Packer {
    @Override
    public byte[] pack(byte[] block) {
      return (Noise.is(block) ? forNoise : usual).pack(block);
    }

    @Override
    public void close() {
      usual.close();
      forNoise.close();
    }
  }

  private record Nothing() implements Packer {
    @Override
    public byte[] pack(byte[] block) {
      return new byte[0];
    }

    @Override
    public void close() {
      // Nothing is held.
    }
  }
}
