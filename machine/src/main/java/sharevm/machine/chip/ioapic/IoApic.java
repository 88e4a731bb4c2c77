package sharevm.machine.chip.ioapic;

import java.util.Arrays;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.DeliveryMode;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.InterruptMessages;
import sharevm.machine.bus.MmioDevice;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.Trace;

/**
 * An I/O APIC: 24 inputs, each with an entry that says which message an interrupt becomes.
 *
 * <p>A level-triggered input sends once, sets its remote IRR, and sends again after {@link
 * #endOfInterrupt} if it is still asserted. Lines here are asserted or not, so the polarity in an
 * entry is kept and has no effect.
 */
public final class IoApic implements MmioDevice, Part {
  /** The number of inputs. */
  public static final int PINS = 24;

  /** The bytes that the registers take. */
  public static final int LENGTH = 4096;

  /** I/O Register Select (IOREGSEL). @ref [82093AA] 3.1.1 */
  private static final int SELECT = 0x00;

  /** I/O Window (IOWIN). @ref [82093AA] 3.1.2 */
  private static final int WINDOW = 0x10;

  /** EOI Register: a vector to end. @ref [ICH9] "EOI, EOI Register" */
  private static final int EOI = 0x40;

  /** I/O APIC Identification (IOAPICID), index. @ref [82093AA] 3.2.1 */
  private static final int ID = 0x00;

  /** I/O APIC Version (IOAPICVER), index. @ref [82093AA] 3.2.2 */
  private static final int VERSION = 0x01;

  /** I/O APIC Arbitration ID (IOAPICARB), index. @ref [82093AA] 3.2.3 */
  private static final int ARBITRATION = 0x02;

  /** I/O Redirection Table (IOREDTBL), first index of 48. @ref [82093AA] 3.2.4 */
  private static final int REDIRECTION = 0x10;

  /** Version 20h: the first with an EOI register. */
  private static final int VERSION_VALUE = PINS - 1 << 16 | 0x20;

  /** Redirection entry: vector. */
  private static final int VECTOR = 0xFF;

  /** Redirection entry: delivery mode, bits 8 to 10. */
  private static final int MODE_SHIFT = 8;

  /** Redirection entry: destination mode, logical if set. */
  private static final int LOGICAL = 1 << 11;

  /** Redirection entry: remote IRR, read only. */
  private static final int REMOTE_REQUEST = 1 << 14;

  /** Redirection entry: trigger mode, level if set. */
  private static final int LEVEL = 1 << 15;

  /** Redirection entry: interrupt mask. */
  private static final int MASKED = 1 << 16;

  /** Redirection entry: what can be written of the low half; delivery status is always idle. */
  private static final int LOW_WRITABLE = 0x1_AFFF;

  /** Redirection entry: destination field, bits 56 to 63. */
  private static final int DESTINATION_SHIFT = 56;

  private static final int ID_BITS = 0x0F00_0000;

  private final InterruptMessages messages;
  private final Trace trace;
  private final long[] entries = new long[PINS];
  private int lines;
  private int select;
  private int id;

  /** Makes one with all inputs masked. */
  public IoApic(InterruptMessages messages, Trace trace) {
    this.messages = messages;
    this.trace = trace;
    reset();
  }

  /** Returns an input, 0 to 23. */
  public InterruptLine input(int pin) {
    if (pin < 0 || pin >= PINS) {
      throw new IllegalArgumentException("no input " + pin);
    }
    return asserted -> drive(pin, asserted);
  }

  /** A processor has ended a level-triggered interrupt. */
  public void endOfInterrupt(int vector) {
    for (int pin = 0; pin < PINS; pin++) {
      long entry = entries[pin];
      if ((entry & VECTOR) == vector && (entry & REMOTE_REQUEST) != 0) {
        entries[pin] = entry & ~REMOTE_REQUEST;
        if (trace.on(Trace.Category.IOAPIC)) {
          trace.line(Trace.Category.IOAPIC, "pin %d ends %02x", pin, vector);
        }
        serveLevel(pin);
      }
    }
  }

  @Override
  public long read(long offset, int size) {
    int register = (int) offset & ~3;
    int value =
        switch (register) {
          case SELECT -> select;
          case WINDOW -> readSelected();
          default -> 0;
        };
    if (trace.on(Trace.Category.IOAPIC)) {
      trace.line(Trace.Category.IOAPIC, "read  %02x[%02x] -> %08x", offset, select, value);
    }
    return (value & 0xFFFF_FFFFL) >>> 8 * ((int) offset & 3);
  }

  /** The select register takes any width, the others whole words only. @ref [82093AA] 3.0 */
  @Override
  public void write(long offset, int size, long value) {
    if (trace.on(Trace.Category.IOAPIC)) {
      trace.line(Trace.Category.IOAPIC, "write %02x[%02x] <- %08x", offset, select, (int) value);
    }
    if (offset == SELECT) {
      select = (int) value & 0xFF;
    } else if (offset == WINDOW && size >= 4) {
      writeSelected((int) value);
    } else if (offset == EOI && size >= 4) {
      endOfInterrupt((int) value & VECTOR);
    }
  }

  @Override
  public SavedState save() {
    return new SavedState()
        .put("entries", entries)
        .put("lines", lines)
        .put("select", select)
        .put("id", id);
  }

  @Override
  public void restore(SavedState state) {
    long[] saved = state.getLongs("entries");
    System.arraycopy(saved, 0, entries, 0, Math.min(saved.length, PINS));
    lines = state.getInt("lines") & (1 << PINS) - 1;
    select = state.getInt("select") & 0xFF;
    id = state.getInt("id") & ID_BITS;
  }

  @Override
  public void reset() {
    Arrays.fill(entries, MASKED);
    select = 0;
    id = 0;
  }

  private void drive(int pin, boolean asserted) {
    int bit = 1 << pin;
    boolean rises = asserted && (lines & bit) == 0;
    lines = asserted ? lines | bit : lines & ~bit;
    if ((entries[pin] & LEVEL) != 0) {
      serveLevel(pin);
    } else if (rises && (entries[pin] & MASKED) == 0) {
      // Edges on a masked input are lost. @ref [82093AA] 3.2.4
      send(pin);
    }
  }

  private void serveLevel(int pin) {
    long entry = entries[pin];
    if ((lines >> pin & 1) != 0 && (entry & (LEVEL | MASKED | REMOTE_REQUEST)) == LEVEL) {
      DeliveryMode mode = DeliveryMode.of((int) entry >> MODE_SHIFT);
      if (mode == DeliveryMode.FIXED || mode == DeliveryMode.LOWEST_PRIORITY) {
        entries[pin] = entry | REMOTE_REQUEST;
      }
      send(pin);
    }
  }

  private void send(int pin) {
    long entry = entries[pin];
    int destination = (int) (entry >>> DESTINATION_SHIFT);
    DeliveryMode mode = DeliveryMode.of((int) entry >> MODE_SHIFT);
    if (trace.on(Trace.Category.IOAPIC)) {
      trace.line(
          Trace.Category.IOAPIC,
          "pin %d sends %s %02x to %02x",
          pin,
          mode,
          entry & VECTOR,
          destination);
    }
    if (mode != DeliveryMode.STARTUP && mode != DeliveryMode.RESERVED) {
      messages.send(
          destination == 0xFF ? InterruptMessages.BROADCAST : destination,
          (entry & LOGICAL) != 0,
          mode,
          (int) entry & VECTOR,
          (entry & LEVEL) != 0);
    }
  }

  private int readSelected() {
    int index = select - REDIRECTION;
    if (index >= 0 && index < 2 * PINS) {
      return (int) (entries[index >> 1] >>> 32 * (index & 1));
    }
    return switch (select) {
      case ID, ARBITRATION -> id;
      case VERSION -> VERSION_VALUE;
      default -> 0;
    };
  }

  private void writeSelected(int value) {
    int index = select - REDIRECTION;
    if (select == ID) {
      id = value & ID_BITS;
    } else if (index >= 0 && index < 2 * PINS) {
      int pin = index >> 1;
      long entry = entries[pin];
      if ((index & 1) != 0) {
        entry = entry & 0xFFFF_FFFFL | (long) (value & 0xFF00_0000) << 32;
      } else {
        entry = entry & ~0xFFFF_FFFFL | entry & REMOTE_REQUEST | value & LOW_WRITABLE;
        if ((entry & LEVEL) == 0) {
          entry &= ~REMOTE_REQUEST;
        }
      }
      entries[pin] = entry;
      serveLevel(pin);
    }
  }
}
