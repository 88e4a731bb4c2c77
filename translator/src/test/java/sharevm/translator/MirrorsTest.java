package sharevm.translator;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import sharevm.host.GuestRam;
import sharevm.host.HostException;

@EnabledOnOs(OS.LINUX)
final class MirrorsTest {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final long PAGE = 4096;
  private static final long ENTRIES = 1 << Context.TLB_BITS;
  private static final long CR3 = 0x1000;

  private final MemorySegment shared = Arena.ofAuto().allocate(2 << 20, 1 << 16);
  private final GuestRam ram = GuestRam.allocate(GuestRam.MINIMUM_BYTES);
  private final Mirrors mirrors = new Mirrors(shared, Tuning.standard());

  /** So many accesses, each by another site, have asked. */
  private int asked;

  MirrorsTest() throws HostException {
    mirrors.enter(CR3);
  }

  @AfterEach
  void close() {
    mirrors.close();
    ram.close();
  }

  private static long entry(long linear) {
    return 8 * (linear / PAGE % ENTRIES);
  }

  /** Lets the TLB say that a linear page is some page of RAM, and asks for it. */
  private boolean serve(long linear, long cr3, long page) {
    return serve(linear, cr3, page, asked++);
  }

  private boolean serve(long linear, long cr3, long page, int site) {
    mirrors.enter(cr3);
    long memory = ram.segment().address() + page * PAGE;
    shared.set(LONG, Context.TLB + Context.TLB_HOST + entry(linear), memory);
    return mirrors.serve(linear, cr3, site);
  }

  private long host(long linear) {
    long number = entry(linear) ^ 8L * shared.get(ValueLayout.JAVA_INT, Context.ADDRESS_SPACE);
    assertThat(shared.get(LONG, Context.MIRRORED_PAGE + number)).isEqualTo(linear);
    return shared.get(LONG, Context.MIRRORED_HOST + number);
  }

  @SuppressWarnings("restricted") // A page has been shown there.
  private static int value(long host) {
    return MemorySegment.ofAddress(host).reinterpret(PAGE).get(ValueLayout.JAVA_INT, 0);
  }

  @Test
  void pagesOfAZoneAreAtOneDistance() {
    ram.segment().set(ValueLayout.JAVA_INT, 5 * PAGE, 55);
    ram.segment().set(ValueLayout.JAVA_INT, 3 * PAGE, 33);
    assertThat(serve(0x40_0000, CR3, 5)).isTrue();
    assertThat(serve(0x50_1000, CR3, 3)).isTrue();

    assertThat(host(0x50_1000) - host(0x40_0000)).isEqualTo(0x10_1000);
    assertThat(value(host(0x40_0000))).isEqualTo(55);
    assertThat(value(host(0x50_1000))).isEqualTo(33);
  }

  /** Else an address of one zone might agree with the entry of another's page. */
  @Test
  void distancesOfZonesDifferInTheBitsThatChooseAnEntry() {
    Set<Long> residues = new HashSet<>();
    for (int n = 0; n < 15; n++) {
      long linear = 0x1234_5000 + ((long) n << 30);
      assertThat(serve(linear, CR3, n)).isTrue();
      residues.add((host(linear) - linear) / PAGE % ENTRIES);
    }
    assertThat(residues).hasSize(15).doesNotContain(0L, ENTRIES / 2);
  }

  @Test
  void emptyEntryAgreesWithNoAddressAtAnyDistance() {
    for (long entry = 0; entry < ENTRIES; entry++) {
      long empty = shared.get(LONG, Context.MIRROR + 8 * entry) / PAGE;
      for (int distance = 0; distance < 16; distance++) {
        assertThat((entry + distance) % ENTRIES).isNotEqualTo(empty % ENTRIES);
      }
    }
  }

  @Test
  void addressSpacesHaveZonesOfTheirOwn() {
    assertThat(serve(0x40_0000, CR3, 1)).isTrue();
    long first = host(0x40_0000);
    assertThat(serve(0x40_0000, 0x2000, 2)).isTrue();

    assertThat(host(0x40_0000)).isNotEqualTo(first);
  }

  @Test
  void zonesBeginAgainWhenThereAreTooMany() {
    shared.set(LONG, Context.MIRROR_DISTANCES, 77);
    ram.segment().set(ValueLayout.JAVA_INT, PAGE, 11);
    for (int n = 0; n < 16; n++) {
      assertThat(serve((long) n << 30, CR3, 1)).isEqualTo(n < 15);
    }
    assertThat(shared.get(LONG, Context.MIRROR_DISTANCES)).isEqualTo(77);
    assertThat(serve(15L << 30, CR3, 1)).isTrue();
    assertThat(shared.get(LONG, Context.MIRROR_DISTANCES)).isZero();
    assertThat(shared.get(LONG, Context.MIRRORED_PAGE + (entry(0) ^ 8 * 37))).isEqualTo(15L << 30);
    assertThat(value(host(15L << 30))).isEqualTo(11);
  }

  @Test
  void programsThatHaveEndedTakeNoMirrorsFromOthers() {
    for (int program = 1; program < 50; program++) {
      assertThat(serve(0x40_0000, program * PAGE, 1)).isTrue();
      assertThat(serve(0x7fff_0000_0000L, program * PAGE, 2)).isTrue();
    }
  }

  @Test
  void pcidsOfAnAddressSpaceHaveTheSameZones() {
    assertThat(serve(0x40_0000, CR3 | 1, 1)).isTrue();
    long first = host(0x40_0000);
    assertThat(serve(0x40_0000, CR3 | 2, 1)).isTrue();

    assertThat(host(0x40_0000)).isEqualTo(first);
  }

  @Test
  void pagesBeginAgainWhenThereAreTooMany() {
    ram.segment().set(ValueLayout.JAVA_INT, 9 * PAGE, 99);
    for (int n = 0; n < 5000; n++) {
      assertThat(serve(0x1000_0000 + n * PAGE, CR3, n % 4096)).isEqualTo(n != 4096);
    }
    assertThat(serve(0x1000_0000, CR3, 9)).isTrue();
    assertThat(value(host(0x1000_0000))).isEqualTo(99);
  }

  /** A stream through memory costs more mappings than the few accesses to each page are worth. */
  @Test
  void accessThatWandersFarIsToDoWithout() {
    for (int n = 0; n < 64; n++) {
      assertThat(serve(0x1000_0000 + n * PAGE, CR3, n, 7)).isTrue();
    }
    assertThat(serve(0x2000_0000, 0x2000, 5, 7)).isTrue();
    for (int n = 0; n < 100; n++) {
      assertThat(serve(0x1000_0000 + n * PAGE, CR3, n, 7)).isEqualTo(n < 64);
    }
    assertThat(serve(0x1000_0000 + 100 * PAGE, CR3, 100, 8)).isTrue();
  }

  @Test
  void kernelAddressesAreRefused() {
    assertThat(serve(0xffff_8000_0000_0000L, CR3, 1)).isFalse();
    assertThat(serve(1L << 47, CR3, 1)).isFalse();
    assertThat(serve(0x40_0000, CR3, 1)).isTrue();
  }

  @Test
  void restlessAccessIsToDoWithout() {
    shared.set(ValueLayout.JAVA_INT, Context.MIRROR_CHANGES, -1);
    assertThat(serve(0x40_0000, CR3, 1)).isFalse();
    assertThat(serve(0x40_0000, CR3, 1)).isTrue();
  }
}
