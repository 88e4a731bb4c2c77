package sharevm.disk.layer;

import java.nio.ByteBuffer;
import sharevm.disk.DiskException;

/** What a layer's holes show: the rest of the chain, or zeroes. */
@FunctionalInterface
public interface Below {
  /** Fills {@code dst} from the position on; beyond the parent's end there are zeroes. */
  void read(ByteBuffer dst, long position) throws DiskException;

  /** The chain's end. */
  static Below nothing() {
    return (dst, _) -> sharevm.disk.io.Bytes.zero(dst, dst.remaining());
  }
}
