package sharevm.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
final class MirrorRangeTest {
  private static final long PAGE = 4096;

  @SuppressWarnings("restricted") // The length is what was reserved.
  private static MemorySegment at(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  @Test
  void pagesAppearInTheOrderTheyAreShownIn() throws HostException {
    try (GuestRam ram = GuestRam.allocate(GuestRam.MINIMUM_BYTES);
        MirrorRange range = MirrorRange.reserve(16 * PAGE).orElseThrow()) {
      MemorySegment memory = ram.segment();
      for (int n = 0; n < 16; n++) {
        memory.set(ValueLayout.JAVA_INT, (15 - n) * PAGE, n);
        assertThat(range.show(n * PAGE, memory.address() + (15 - n) * PAGE, PAGE)).isTrue();
      }
      MemorySegment mirror = at(range.address(), 16 * PAGE);
      for (int n = 0; n < 16; n++) {
        assertThat(mirror.get(ValueLayout.JAVA_INT, n * PAGE)).isEqualTo(n);
      }
    }
  }

  @Test
  void bothPlacesAreTheSameMemory() throws HostException {
    try (GuestRam ram = GuestRam.allocate(GuestRam.MINIMUM_BYTES);
        MirrorRange range = MirrorRange.reserve(PAGE).orElseThrow()) {
      assertThat(range.show(0, ram.segment().address(), PAGE)).isTrue();
      MemorySegment mirror = at(range.address(), PAGE);

      ram.segment().set(ValueLayout.JAVA_LONG, 8, 1);
      assertThat(mirror.get(ValueLayout.JAVA_LONG, 8)).isEqualTo(1);
      mirror.set(ValueLayout.JAVA_LONG, 16, 2);
      assertThat(ram.segment().get(ValueLayout.JAVA_LONG, 16)).isEqualTo(2);
    }
  }

  @Test
  void anotherPageTakesThePlaceOfOne() throws HostException {
    try (GuestRam ram = GuestRam.allocate(GuestRam.MINIMUM_BYTES);
        MirrorRange range = MirrorRange.reserve(PAGE).orElseThrow()) {
      ram.segment().set(ValueLayout.JAVA_INT, PAGE, 7);
      range.show(0, ram.segment().address(), PAGE);
      assertThat(range.clear()).isTrue();
      range.show(0, ram.segment().address() + PAGE, PAGE);
      assertThat(at(range.address(), PAGE).get(ValueLayout.JAVA_INT, 0)).isEqualTo(7);
    }
  }

  @Test
  void privateMemoryIsRefused() {
    try (Arena arena = Arena.ofConfined();
        MirrorRange range = MirrorRange.reserve(PAGE).orElseThrow()) {
      assertThat(range.show(0, arena.allocate(2 * PAGE, PAGE).address(), PAGE)).isFalse();
    }
  }

  @Test
  void nothingIsShownOutside() {
    try (MirrorRange range = MirrorRange.reserve(PAGE).orElseThrow()) {
      assertThatIllegalArgumentException().isThrownBy(() -> range.show(PAGE, 0, PAGE));
      assertThatIllegalArgumentException().isThrownBy(() -> range.show(-PAGE, 0, PAGE));
    }
  }
}
