package sharevm.disk.layer;

/** Compresses blocks, one at a time, for one thread. */
public interface Packer extends AutoCloseable {
  /** Makes of a block what will be stored; an empty array when that gains nothing. */
  byte[] pack(byte[] block);

  @Override
  void close();
}
