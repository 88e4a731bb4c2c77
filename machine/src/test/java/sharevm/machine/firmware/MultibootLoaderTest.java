package sharevm.machine.firmware;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import sharevm.machine.firmware.EntryState.Mode;

class MultibootLoaderTest {
  private final Guest guest = new Guest(32);

  @Test
  void elfKernelsGetTheirInformation() {
    byte[] kernel = Guest.elf(false, ElfImage.EM_386, 0x100000);
    header(kernel, 0x100, 3);
    EntryState entry = load(Guest.boot(kernel, new byte[] {9, 8}, "hello"));
    assertThat(entry.mode()).isEqualTo(Mode.PROTECTED);
    assertThat(entry.rip()).isEqualTo(0x100000);
    assertThat(entry.registers().rax()).isEqualTo(0x2BADB002L);
    long info = entry.registers().rbx();
    assertThat(guest.memory.u32(info) & 0x4D).isEqualTo(0x4D);
    assertThat(guest.memory.u32(info + 4)).isEqualTo(639);
    assertThat(guest.memory.read(guest.memory.u32(info + 16), 6))
        .isEqualTo("hello\0".getBytes(StandardCharsets.US_ASCII));
    long module = guest.memory.u32(info + 24);
    assertThat(guest.memory.u32(module)).isEqualTo(0x101000);
    assertThat(guest.memory.u32(module + 4)).isEqualTo(0x101002);
    long at = guest.memory.u32(info + 48);
    long end = at + guest.memory.u32(info + 44);
    long usable = 0;
    for (; at < end; at += guest.memory.u32(at) + 4) {
      usable += guest.memory.u32(at + 20) == 1 ? guest.memory.u64(at + 12) : 0;
    }
    assertThat(usable).isEqualTo(guest.map.usableLowEnd() - 0x100000 + 0x9FC00);
  }

  @Test
  void addressesInTheHeaderRule() {
    byte[] kernel = new byte[0x400];
    header(kernel, 0x20, 1 << 16);
    Guest.put(kernel, 0x20 + 12, 0x200020, 4);
    Guest.put(kernel, 0x20 + 16, 0x200000, 4);
    Guest.put(kernel, 0x20 + 24, 0x201000, 4);
    Guest.put(kernel, 0x20 + 28, 0x200100, 4);
    kernel[0x100] = 0x77;
    EntryState entry = load(Guest.boot(kernel, null, ""));
    assertThat(entry.rip()).isEqualTo(0x200100);
    assertThat(guest.memory.u8(0x200100)).isEqualTo(0x77);
  }

  @Test
  void graphicsAndUnknownDemandsAreRefused() {
    byte[] kernel = Guest.elf(false, ElfImage.EM_386, 0x100000);
    header(kernel, 0x100, 4);
    assertThatThrownBy(() -> load(Guest.boot(kernel, null, "")))
        .isInstanceOf(LoaderException.class)
        .hasMessageContaining("graphics");
    header(kernel, 0x100, 1 << 9);
    assertThatThrownBy(() -> load(Guest.boot(kernel, null, "")))
        .isInstanceOf(LoaderException.class)
        .hasMessageContaining("flags");
  }

  @Test
  void pvhKernelsGetStartInfo() {
    byte[] file = Guest.elf(true, ElfImage.EM_X86_64, 0x100000);
    Guest.put(file, 56, 2, 2);
    Guest.put(file, 0x78, 4, 4);
    Guest.put(file, 0x80, 0x180, 8);
    Guest.put(file, 0x98, 0x14, 8);
    Guest.put(file, 0x180, 4, 4);
    Guest.put(file, 0x184, 4, 4);
    Guest.put(file, 0x188, 18, 4);
    Guest.put(file, 0x18C, 0x6E6558, 4);
    Guest.put(file, 0x190, 0x100002, 4);
    EntryState entry = load(Guest.boot(file, new byte[5], "pvh"));
    assertThat(entry.mode()).isEqualTo(Mode.PROTECTED);
    assertThat(entry.rip()).isEqualTo(0x100002);
    long info = entry.registers().rbx();
    assertThat(guest.memory.u32(info)).isEqualTo(0x336EC578L);
    assertThat(guest.memory.u32(info + 12)).isEqualTo(1);
    assertThat(guest.memory.u64(guest.memory.u64(info + 16) + 8)).isEqualTo(5);
    assertThat(guest.memory.u32(info + 48)).isEqualTo(guest.map.entries().size());
  }

  private EntryState load(LinuxBoot boot) {
    return new KernelLoader(guest.memory, guest.map, 0x1234).load(boot);
  }

  private static void header(byte[] kernel, int at, int flags) {
    Guest.put(kernel, at, 0x1BADB002, 4);
    Guest.put(kernel, at + 4, flags, 4);
    Guest.put(kernel, at + 8, -(0x1BADB002L + flags), 4);
  }
}
