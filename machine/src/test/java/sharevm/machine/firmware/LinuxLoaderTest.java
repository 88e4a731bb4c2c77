package sharevm.machine.firmware;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.tukaani.xz.FilterOptions;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.X86Options;
import org.tukaani.xz.XZ;
import org.tukaani.xz.XZOutputStream;
import sharevm.machine.firmware.EntryState.Mode;
import sharevm.machine.firmware.LinuxBoot.EntryPoint;
import sharevm.machine.firmware.LinuxBoot.UnpackPolicy;

class LinuxLoaderTest {
  private static final long ZERO_PAGE = LowMemory.ZERO_PAGE;

  private final Guest guest = new Guest(64);

  @Test
  void sixtyFourBitEntryHasAZeroPageAndIdentityPaging() {
    byte[] body = new byte[5000];
    new Random(1).nextBytes(body);
    byte[] initrd = {1, 2, 3};
    EntryState entry = load(Guest.boot(Guest.bzImage(0x20F, body), initrd, "console=ttyS0"));
    assertThat(entry.mode()).isEqualTo(Mode.LONG);
    assertThat(entry.rip()).isEqualTo(0x1000200);
    assertThat(entry.registers().rsi()).isEqualTo(ZERO_PAGE);
    assertThat(guest.memory.read(0x1000000, body.length)).isEqualTo(body);
    assertThat(guest.memory.u32(ZERO_PAGE + 0x202)).isEqualTo(0x53726448);
    assertThat(guest.memory.u8(ZERO_PAGE + 0x210)).isEqualTo(0xFF);
    long at = guest.memory.u32(ZERO_PAGE + 0x218);
    assertThat(guest.memory.u32(ZERO_PAGE + 0x21C)).isEqualTo(3);
    assertThat(guest.memory.read(at, 3)).isEqualTo(initrd);
    assertThat(at + 3).isLessThanOrEqualTo(guest.map.usableLowEnd());
    long text = guest.memory.u32(ZERO_PAGE + 0x228);
    assertThat(guest.memory.read(text, 14))
        .isEqualTo("console=ttyS0\0".getBytes(StandardCharsets.US_ASCII));
    assertThat(guest.memory.u8(ZERO_PAGE + 0x1E8)).isEqualTo(guest.map.entries().size());
    assertThat(translate(entry.cr3(), 0x1234567)).isEqualTo(0x1234567);
    assertThat(translate(entry.cr3(), 0xFEE00000L)).isEqualTo(0xFEE00000L);
  }

  @Test
  void processorsWithoutLongModeGetTheThirtyTwoBitEntry() {
    byte[] image = Guest.bzImage(0x20F, new byte[4096]);
    EntryState entry = load(Guest.boot(image, null, "").withLongMode(false));
    assertThat(entry.mode()).isEqualTo(Mode.PROTECTED);
    assertThat(entry.rip()).isEqualTo(0x1000000);
    assertThat(entry.cr0() & EntryState.CR0_PG).isZero();
    assertThat(entry.code().limit()).isEqualTo(0xFFFFFFFFL);
    assertThat(entry.code().selector()).isEqualTo(0x10);
  }

  @Test
  void oldKernelsAreEnteredInRealMode() {
    byte[] image = Guest.bzImage(0x201, new byte[4096]);
    image[0x211] = 0;
    EntryState entry = load(Guest.boot(image, null, "root=/dev/hda1"));
    assertThat(entry.mode()).isEqualTo(Mode.REAL);
    assertThat(entry.code().selector()).isEqualTo(0x9020);
    assertThat(entry.data().selector()).isEqualTo(0x9000);
    assertThat(guest.memory.u16(0x90020)).isEqualTo(0xA33F);
    long text = 0x90000 + guest.memory.u16(0x90022);
    assertThat(guest.memory.read(text, 14))
        .isEqualTo("root=/dev/hda1".getBytes(StandardCharsets.US_ASCII));
    assertThat(guest.memory.read(0x10000, 4096)).isEqualTo(new byte[4096]);
  }

  @Test
  void bigKernelsCanBeEnteredInRealModeToo() {
    byte[] image = Guest.bzImage(0x20F, new byte[4096]);
    LinuxBoot boot =
        Guest.boot(image, new byte[10], "a").with(EntryPoint.REAL_16, UnpackPolicy.GUEST);
    EntryState entry = load(boot);
    assertThat(entry.code()).isEqualTo(EntryState.Segment.real(0x1020));
    assertThat(guest.memory.u32(0x10000 + 0x228)).isEqualTo(0x1E000);
    assertThat(guest.memory.u8(0x10000 + 0x211) & 0x80).isNotZero();
    assertThat(guest.memory.u32(0x10000 + 0x21C)).isEqualTo(10);
  }

  @Test
  void theHostUnpacksWhatItKnows() throws IOException {
    byte[] elf = Guest.elf(true, ElfImage.EM_X86_64, 0x1000000);
    for (byte[] packed : new byte[][] {gzip(elf), xz(elf), lz4(elf)}) {
      Guest fresh = new Guest(64);
      EntryState entry =
          new KernelLoader(fresh.memory, fresh.map, 0)
              .load(Guest.boot(packedImage(packed, elf.length), null, ""));
      assertThat(entry.rip()).isEqualTo(0x1000000);
      assertThat(fresh.memory.u32(0x1000000)).isEqualTo(0x11223344);
    }
  }

  @Test
  void damagedPayloadsAreLeftToTheGuest() throws IOException {
    byte[] elf = Guest.elf(true, ElfImage.EM_X86_64, 0x1000000);
    Random random = new Random(7);
    for (byte[] packed : new byte[][] {gzip(elf), xz(elf), lz4(elf)}) {
      for (int i = 0; i < 200; i++) {
        byte[] image = packedImage(packed, elf.length);
        image[3 * 512 + 16 + random.nextInt(packed.length)] ^= (byte) (1 + random.nextInt(255));
        try {
          load(Guest.boot(image, null, ""));
        } catch (LoaderException e) {
          assertThat(e.getMessage()).doesNotContain("\n");
        }
      }
    }
  }

  @Test
  void segmentsOfManyPiecesAreWholeAndClearedWhereTheEndIsDamaged() throws IOException {
    byte[] content = new byte[300_000];
    new Random(9).nextBytes(content);
    byte[] elf = Arrays.copyOf(Guest.elf(true, ElfImage.EM_X86_64, 0x2000000), 0x204 + 300_000);
    System.arraycopy(content, 0, elf, 0x204, content.length);
    Guest.put(elf, 0x60, 4 + content.length, 8);
    Guest.put(elf, 0x68, 0x50000, 8);
    for (byte[] packed : new byte[][] {gzip(elf), xz(elf), lz4(elf), elf}) {
      Guest fresh = new Guest(64);
      byte[] image = packedImage(packed, elf.length);
      LinuxLoader loader = new LinuxLoader(fresh.memory, fresh.map, 0);
      assertThat(loader.load(Guest.boot(image, null, "")).rip()).isEqualTo(0x2000000);
      assertThat(fresh.memory.read(0x2000004, content.length)).isEqualTo(content);

      Guest second = new Guest(64);
      byte[] cut = packedImage(Arrays.copyOf(packed, packed.length - 100), elf.length);
      loader = new LinuxLoader(second.memory, second.map, 0);
      assertThat(loader.load(Guest.boot(cut, null, "")).rip()).isEqualTo(0x1000200);
      assertThat(second.memory.read(0x2000000, 0x50000)).isEqualTo(new byte[0x50000]);
    }
  }

  @Test
  void whatCannotWorkIsSaidInOneLine() {
    byte[] image = Guest.bzImage(0x20F, new byte[4096]);
    refused(Guest.boot(new byte[0], null, ""), "empty");
    refused(Guest.boot(new byte[5000], null, ""), "not a kernel");
    refused(Guest.boot(Arrays.copyOf(image, 1024), null, ""), "truncated");
    refused(Guest.boot(image, new byte[63 << 20], ""), "initrd");
    refused(Guest.boot(image, null, "x".repeat(3000)), "command line");
    refused(Guest.boot(Guest.elf(false, 40, 0x100000), null, ""), "machine type 40");
    refused(Guest.boot(Guest.elf(true, 62, 1L << 40), null, ""), "more");
    byte[] large = Guest.bzImage(0x20F, new byte[4096]);
    Guest.put(large, 0x260, 0x8000000, 4);
    refused(Guest.boot(large, null, ""), "more");
  }

  @Test
  void randomHeadersNeverThrowAnythingElse() {
    Random random = new Random(42);
    for (int i = 0; i < 3000; i++) {
      byte[] image =
          random.nextBoolean()
              ? Guest.bzImage(0x200 + random.nextInt(16), new byte[3000])
              : Guest.elf(random.nextBoolean(), random.nextBoolean() ? 3 : 62, 0x100000);
      int from = image.length > 1000 ? 0x1F1 : 4;
      for (int n = random.nextInt(6); n >= 0; n--) {
        image[from + random.nextInt(0x78)] = (byte) random.nextInt();
      }
      try {
        load(Guest.boot(image, new byte[100], "x"));
      } catch (LoaderException e) {
        assertThat(e.getMessage()).doesNotContain("\n");
      }
    }
  }

  private EntryState load(LinuxBoot boot) {
    return new KernelLoader(guest.memory, guest.map, guest.map.tables()).load(boot);
  }

  private void refused(LinuxBoot boot, String part) {
    assertThatThrownBy(() -> load(boot))
        .isInstanceOf(LoaderException.class)
        .hasMessageContaining(part);
  }

  private long translate(long cr3, long address) {
    long pointers = guest.memory.u64(cr3 + 8 * (address >>> 39 & 511)) & -4096;
    long directory = guest.memory.u64(pointers + 8 * (address >>> 30 & 511)) & -4096;
    long entry = guest.memory.u64(directory + 8 * (address >>> 21 & 511));
    assertThat(entry & 0x83).isEqualTo(0x83);
    return (entry & -(2L << 20)) + (address & (2 << 20) - 1);
  }

  private static byte[] packedImage(byte[] packed, int size) {
    byte[] body = new byte[16 + packed.length + 4 + 100];
    System.arraycopy(packed, 0, body, 16, packed.length);
    Guest.put(body, 16 + packed.length, size, 4);
    byte[] image = Guest.bzImage(0x20F, body);
    Guest.put(image, 0x248, 16, 4);
    Guest.put(image, 0x24C, packed.length + 4, 4);
    return image;
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }

  private static byte[] xz(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    FilterOptions[] filters = {new X86Options(), new LZMA2Options()};
    try (XZOutputStream xz = new XZOutputStream(out, filters, XZ.CHECK_CRC32)) {
      xz.write(bytes);
    }
    return out.toByteArray();
  }

  /** Literals, then one match of the zeros in the file's middle, then literals. */
  private static byte[] lz4(byte[] bytes) {
    Bytes block = new Bytes();
    int first = 0x80;
    int zeros = 0x100;
    literals(block, bytes, 0, first, 15);
    block.u16(1);
    block.u8(zeros - 4 - 15);
    literals(block, bytes, first + zeros, bytes.length - first - zeros, 0);
    return new Bytes().u32(Lz4.LEGACY_MAGIC).u32(block.size()).bytes(block.toArray()).toArray();
  }

  private static void literals(Bytes block, byte[] bytes, int from, int count, int match) {
    block.u8(0xF0 | match);
    int rest = count - 15;
    for (; rest >= 255; rest -= 255) {
      block.u8(255);
    }
    block.u8(rest).bytes(Arrays.copyOfRange(bytes, from, from + count));
  }
}
