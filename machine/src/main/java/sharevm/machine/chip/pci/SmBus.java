package sharevm.machine.chip.pci;

import java.util.Arrays;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.Part;

/**
 * The system management bus of the PIIX4 with nothing on it: each transaction ends in a device
 * error.
 */
public final class SmBus implements BytePorts, Part {
  /** The number of ports. */
  public static final int PORTS = 16;

  /** SMBHSTSTS, Host Status. @ref [PIIX4] 7.3 */
  private static final int STATUS = 0;

  /** SMBHSTCNT, Host Control. @ref [PIIX4] 7.3 */
  private static final int CONTROL = 2;

  /** SMBHSTSTS: the addressed device did not answer (DEV_ERR). */
  private static final int DEVICE_ERROR = 1 << 2;

  /** SMBHSTCNT: begins a transaction (START), write only. */
  private static final int START = 1 << 6;

  private final byte[] registers = new byte[PORTS];

  @Override
  public int read(int offset) {
    return registers[offset] & 0xFF;
  }

  @Override
  public void write(int offset, int value) {
    switch (offset) {
      case STATUS -> registers[STATUS] &= (byte) ~value;
      case CONTROL -> {
        registers[CONTROL] = (byte) (value & ~START);
        if ((value & START) != 0) {
          registers[STATUS] = DEVICE_ERROR;
        }
      }
      default -> registers[offset] = (byte) value;
    }
  }

  @Override
  public SavedState save() {
    return new SavedState().put("registers", registers);
  }

  @Override
  public void restore(SavedState state) {
    byte[] saved = state.getBytes("registers");
    System.arraycopy(saved, 0, registers, 0, Math.min(saved.length, PORTS));
  }

  @Override
  public void reset() {
    Arrays.fill(registers, (byte) 0);
  }
}
