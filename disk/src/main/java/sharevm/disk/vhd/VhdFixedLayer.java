package sharevm.disk.vhd;

import java.nio.ByteBuffer;
import java.util.List;
import sharevm.disk.CheckReport;
import sharevm.disk.DiskException;
import sharevm.disk.Resizable;
import sharevm.disk.io.Bytes;
import sharevm.disk.io.Storage;
import sharevm.disk.layer.Below;
import sharevm.disk.layer.LayerInfo;
import sharevm.disk.layer.MappedLayer;
import sharevm.disk.layer.Run;

/** A fixed VHD: the disk's bytes, and a footer behind them. */
final class VhdFixedLayer extends MappedLayer implements VhdLayer, Resizable {
  private final Storage file;
  private final int footerLength;
  private VhdFooter footer;
  private long dataEnd;

  VhdFixedLayer(Storage file, VhdFooter footer, int footerLength) throws DiskException {
    super(file.name(), file.writable());
    this.file = file;
    this.footer = footer;
    this.footerLength = footerLength;
    this.dataEnd = file.size() - footerLength;
    if (footer.size() > Bytes.roundUp(dataEnd, 512)) {
      throw DiskException.corrupt(
          file.name(), 48, "the footer tells of " + footer.size() + " bytes, the file has fewer");
    }
  }

  @Override
  public VhdFooter footer() {
    return footer;
  }

  @Override
  public long size() {
    return footer.size();
  }

  @Override
  public long blockSize() {
    return 1;
  }

  @Override
  protected Run lookup(long position, long most) {
    return Run.data(file, position, size() - position);
  }

  @Override
  protected void store(ByteBuffer src, long position, Below below) {
    throw new AssertionError("a fixed disk is always in place");
  }

  @Override
  protected long clear(long position, long length, Below below) {
    return 0;
  }

  @Override
  protected void commit() throws DiskException {
    file.force();
  }

  @Override
  public void resize(long newSize) throws DiskException {
    VhdCreator.requireSize(name(), newSize);
    touch();
    alone().lock();
    try {
      VhdFooter next = footer.resized(newSize);
      if (newSize > dataEnd) {
        // The new footer stands before the old one goes.
        file.write(next.toBytes(), newSize);
        file.force();
      }
      long end = Math.min(newSize, dataEnd + footerLength);
      for (long at = size(); at < end; ) {
        ByteBuffer zeroes = Bytes.zeroes(end - at);
        int part = zeroes.remaining();
        file.write(zeroes, at);
        at += part;
      }
      if (newSize <= dataEnd) {
        file.write(next.toBytes(), newSize);
        file.setSize(newSize + VhdFooter.SIZE);
      }
      file.force();
      footer = next;
      dataEnd = newSize;
    } finally {
      alone().unlock();
    }
  }

  @Override
  public LayerInfo info() {
    return VhdInfo.of(footer, "fixed", List.of());
  }

  @Override
  public List<Storage> files() {
    return List.of(file);
  }

  @Override
  public CheckReport check(boolean repair) {
    return new CheckReport.Builder().build();
  }

  @Override
  protected void release() throws DiskException {
    file.close();
  }
}
