package sharevm.machine.firmware;

import java.io.IOException;
import java.io.OutputStream;
import java.util.function.Predicate;

/**
 * Puts the segments of an ELF executable where they belong in a guest's memory while its file comes
 * in, so that its tens of megabytes are nowhere else on the host.
 */
final class ElfPlacement extends OutputStream {
  /**
   * All program headers that {@link ElfImage} reads, and the ELF header, are within these bytes.
   */
  private static final int HEAD_BYTES = 1 << 16;

  private final PhysicalMemory memory;
  private final String name;
  private final long size;
  private final Predicate<ElfImage> wanted;
  private final byte[] head;
  private ElfImage image;
  private long at;

  /**
   * Makes one for a file.
   *
   * @param name how errors speak of the file
   * @param size its length
   * @param wanted whether an executable can be placed, all of it
   */
  ElfPlacement(PhysicalMemory memory, String name, long size, Predicate<ElfImage> wanted) {
    this.memory = memory;
    this.name = name;
    this.size = size;
    this.wanted = wanted;
    this.head = new byte[(int) Math.min(HEAD_BYTES, size)];
  }

  /** Returns the executable; its first bytes have come in. */
  ElfImage image() {
    return image;
  }

  @Override
  public void write(int value) throws IOException {
    write(new byte[] {(byte) value});
  }

  /**
   * Takes the file's next bytes.
   *
   * @throws IOException if it is no ELF file, or one that is not wanted
   * @throws LoaderException if its headers are wrong
   */
  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    int taken = 0;
    if (at < head.length) {
      taken = (int) Math.min(length, head.length - at);
      System.arraycopy(bytes, offset, head, (int) at, taken);
      at += taken;
      if (at == head.length) {
        readHead();
        place(head, 0, 0, head.length);
      }
    }
    place(bytes, offset + taken, at, length - taken);
    at += length - taken;
  }

  /** Clears what of the segments' memory is not in the file, which has all come in. */
  void finish() {
    for (ElfImage.Segment s : image.segments()) {
      memory.zero(s.physical() + s.fileBytes(), s.memoryBytes() - s.fileBytes());
    }
  }

  /** Clears what was placed. */
  void undo() {
    if (image != null) {
      for (ElfImage.Segment s : image.segments()) {
        memory.zero(s.physical(), Math.clamp(at - s.offset(), 0, s.fileBytes()));
      }
    }
  }

  private void readHead() throws IOException {
    GuestFile file = GuestFile.of(name, head);
    if (!ElfImage.fits(file)) {
      throw new IOException("no ELF file");
    }
    ElfImage found = ElfImage.parse(file, size);
    if (!wanted.test(found)) {
      throw new IOException("an executable of another kind");
    }
    image = found;
    for (ElfImage.Segment s : image.segments()) {
      memory.prepare(s.physical(), s.memoryBytes());
    }
  }

  private void place(byte[] bytes, int offset, long position, int length) {
    if (length == 0) {
      return;
    }
    for (ElfImage.Segment s : image.segments()) {
      long from = Math.max(position, s.offset());
      long to = Math.min(position + length, s.offset() + s.fileBytes());
      if (from < to) {
        int first = offset + (int) (from - position);
        memory.write(s.physical() + from - s.offset(), bytes, first, (int) (to - from));
      }
    }
  }
}
