package sharevm.machine.chip.apic;

import static sharevm.machine.chip.apic.Bits.COMMAND;
import static sharevm.machine.chip.apic.Bits.CURRENT_COUNT;
import static sharevm.machine.chip.apic.Bits.DIVIDE;
import static sharevm.machine.chip.apic.Bits.EOI;
import static sharevm.machine.chip.apic.Bits.ERROR_STATUS;
import static sharevm.machine.chip.apic.Bits.ICR_WRITABLE;
import static sharevm.machine.chip.apic.Bits.ID;
import static sharevm.machine.chip.apic.Bits.INITIAL_COUNT;
import static sharevm.machine.chip.apic.Bits.IN_SERVICE;
import static sharevm.machine.chip.apic.Bits.LOGICAL_DESTINATION;
import static sharevm.machine.chip.apic.Bits.LVT_ERROR;
import static sharevm.machine.chip.apic.Bits.LVT_REMOTE_REQUEST;
import static sharevm.machine.chip.apic.Bits.LVT_TIMER;
import static sharevm.machine.chip.apic.Bits.LVT_WRITABLE;
import static sharevm.machine.chip.apic.Bits.PROCESSOR_PRIORITY;
import static sharevm.machine.chip.apic.Bits.SELF_IPI;
import static sharevm.machine.chip.apic.Bits.SPURIOUS;
import static sharevm.machine.chip.apic.Bits.SVR_WRITABLE;
import static sharevm.machine.chip.apic.Bits.TASK_PRIORITY;
import static sharevm.machine.chip.apic.Bits.VERSION;

/**
 * Which registers x2APIC mode has, and which writes it takes; all others are faults. @ref [SDM3]
 * Table 11-6
 */
final class X2apicRegisters {
  private static final long LOW_HALF = 0xFFFF_FFFFL;

  private X2apicRegisters() {}

  /** Returns whether there is a register of that number. */
  static boolean exists(int number) {
    return switch (number) {
      case ID, VERSION, TASK_PRIORITY, PROCESSOR_PRIORITY, EOI, LOGICAL_DESTINATION, SPURIOUS ->
          true;
      case ERROR_STATUS, COMMAND, INITIAL_COUNT, CURRENT_COUNT, DIVIDE, SELF_IPI -> true;
      default ->
          number >= IN_SERVICE && number < ERROR_STATUS
              || number >= LVT_TIMER && number <= LVT_ERROR;
    };
  }

  /** Returns whether a register can be written and the value sets no reserved bit. */
  static boolean accepts(int number, long value) {
    if (number >= LVT_TIMER && number <= LVT_ERROR) {
      long readOnly = 1 << 12 | LVT_REMOTE_REQUEST;
      return (value & ~(LVT_WRITABLE[number - LVT_TIMER] | readOnly)) == 0;
    }
    return switch (number) {
      case TASK_PRIORITY, SELF_IPI -> (value & ~0xFFL) == 0;
      case EOI, ERROR_STATUS -> value == 0;
      case SPURIOUS -> (value & ~(long) SVR_WRITABLE) == 0;
      case COMMAND -> (value & LOW_HALF & ~(ICR_WRITABLE | 1L << 12)) == 0;
      case INITIAL_COUNT -> (value & ~LOW_HALF) == 0;
      case DIVIDE -> (value & ~0b1011L) == 0;
      default -> false;
    };
  }
}
