package sharevm.machine.chip.keyboard8042;

import java.util.ArrayDeque;
import java.util.Optional;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.InterruptLine;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.Trace;

/**
 * The keyboard controller: a data port, a status and command port, two PS/2 ports, the A20 gate and
 * the processor's reset line.
 */
public final class Keyboard8042 implements Part {
  /** Status: output buffer full. @ref [PS2] "Controller Status Register" */
  private static final int OUTPUT_FULL = 1;

  /** Status: the byte written last went to the command port. */
  private static final int COMMAND_WRITTEN = 1 << 3;

  /** Status: the keyboard is not locked by a key. */
  private static final int NOT_INHIBITED = 1 << 4;

  /** Status: the output buffer's byte is the auxiliary device's. */
  private static final int AUXILIARY_FULL = 1 << 5;

  /** Status: a device did not answer; the byte that goes with it is {@link #RESEND}. */
  private static final int TIMED_OUT = 1 << 6;

  /** Controller command byte: interrupt for keyboard data. @ref [PS2] "Controller Command Byte" */
  private static final int KEYBOARD_INTERRUPT = 1;

  /** Controller command byte: interrupt for auxiliary data. */
  private static final int AUXILIARY_INTERRUPT = 1 << 1;

  /** Controller command byte: system flag, shown in the same bit of the status. */
  private static final int SYSTEM_FLAG = 1 << 2;

  /** Controller command byte: the keyboard is disabled. */
  private static final int KEYBOARD_DISABLED = 1 << 4;

  /** Controller command byte: the auxiliary device is disabled. */
  private static final int AUXILIARY_DISABLED = 1 << 5;

  /** Controller command byte: scan codes are translated to set 1. */
  private static final int TRANSLATED = 1 << 6;

  /** Output port: 0 resets the processor. */
  private static final int NO_RESET = 1;

  /** Output port: opens the A20 gate. */
  private static final int A20 = 1 << 1;

  private static final int ROOM = 16;
  private static final int FROM_AUXILIARY = 1 << 8;
  private static final int WITH_TIMEOUT = 1 << 9;
  private static final int RESEND = 0xFE;
  private static final int NO_COMMAND = -1;

  private final InterruptLine keyboardLine;
  private final InterruptLine auxiliaryLine;
  private final InterruptLine a20;
  private final Runnable reset;
  private final Optional<Ps2Device> keyboard;
  private final Trace trace;
  private final ArrayDeque<Integer> output = new ArrayDeque<>(ROOM);
  private final byte[] ram = new byte[32];
  private int outputPort;
  private int lastRead;
  private int pendingCommand;
  private boolean commandWritten;

  private final BytePorts data =
      new BytePorts() {
        @Override
        public int read(int offset) {
          return readData();
        }

        @Override
        public void write(int offset, int value) {
          writeData(value);
        }
      };

  private final BytePorts command =
      new BytePorts() {
        @Override
        public int read(int offset) {
          return status();
        }

        @Override
        public void write(int offset, int value) {
          writeCommand(value);
        }
      };

  /** The lines that the controller drives. */
  public record Lines(InterruptLine keyboard, InterruptLine auxiliary, InterruptLine a20) {}

  /**
   * Makes one as PC firmware leaves it: tested, translating, A20 open.
   *
   * @param reset runs, under the device lock, when the guest pulses the reset line
   */
  public Keyboard8042(Lines lines, Runnable reset, Optional<Ps2Device> keyboard, Trace trace) {
    keyboardLine = lines.keyboard;
    auxiliaryLine = lines.auxiliary;
    a20 = lines.a20;
    this.reset = reset;
    this.keyboard = keyboard;
    this.trace = trace;
    keyboard.ifPresent(device -> device.plug(this::fromKeyboard));
    reset();
  }

  /** Returns the data port. */
  public BytePorts data() {
    return data;
  }

  /** Returns the status and command port. */
  public BytePorts command() {
    return command;
  }

  @Override
  public SavedState save() {
    SavedState state =
        new SavedState()
            .put("output", output.stream().mapToLong(Integer::longValue).toArray())
            .put("ram", ram)
            .put("outputPort", outputPort)
            .put("lastRead", lastRead)
            .put("pendingCommand", pendingCommand)
            .put("commandWritten", commandWritten);
    keyboard.ifPresent(device -> state.put("keyboard", device.save()));
    return state;
  }

  @Override
  public void restore(SavedState state) {
    output.clear();
    for (long value : state.getLongs("output")) {
      if (output.size() < ROOM) {
        output.add((int) value & 0x3FF);
      }
    }
    byte[] saved = state.getBytes("ram");
    System.arraycopy(saved, 0, ram, 0, Math.min(saved.length, ram.length));
    outputPort = state.getInt("outputPort") & 0xFF;
    lastRead = state.getInt("lastRead") & 0xFF;
    pendingCommand = Math.clamp(state.getLong("pendingCommand"), NO_COMMAND, 0xFF);
    commandWritten = state.getBoolean("commandWritten");
    keyboard.ifPresent(device -> device.restore(state.getPart("keyboard")));
    a20.set((outputPort & A20) != 0);
  }

  @Override
  public void reset() {
    output.clear();
    ram[0] = KEYBOARD_INTERRUPT | SYSTEM_FLAG | AUXILIARY_DISABLED | TRANSLATED;
    outputPort = NO_RESET | A20;
    lastRead = 0;
    pendingCommand = NO_COMMAND;
    commandWritten = false;
    keyboard.ifPresent(Part::reset);
    a20.set(true);
    update();
  }

  private int status() {
    int status = NOT_INHIBITED | ram[0] & SYSTEM_FLAG | (commandWritten ? COMMAND_WRITTEN : 0);
    Integer next = output.peek();
    if (next != null) {
      status |= OUTPUT_FULL | ((next & FROM_AUXILIARY) != 0 ? AUXILIARY_FULL : 0);
      status |= (next & WITH_TIMEOUT) != 0 ? TIMED_OUT : 0;
    }
    return status;
  }

  private int readData() {
    Integer next = output.poll();
    if (next != null) {
      lastRead = next & 0xFF;
      // The lines fall between two bytes, so that each makes an edge.
      keyboardLine.set(false);
      auxiliaryLine.set(false);
      update();
    }
    if (trace.on(Trace.Category.KEYBOARD)) {
      trace.line(Trace.Category.KEYBOARD, "data -> %02x", lastRead);
    }
    return lastRead;
  }

  private void writeData(int value) {
    if (trace.on(Trace.Category.KEYBOARD)) {
      trace.line(Trace.Category.KEYBOARD, "data <- %02x", value);
    }
    commandWritten = false;
    int of = pendingCommand;
    pendingCommand = NO_COMMAND;
    if (of >= 0x60 && of < 0x80) {
      ram[of & 0x1F] = (byte) value;
      update();
      return;
    }
    switch (of) {
      case 0xD1 -> writeOutputPort(value);
      case 0xD2 -> put(value);
      case 0xD3 -> put(value | FROM_AUXILIARY);
      case 0xD4 -> {
        // Nothing is plugged into the auxiliary port.
        ram[0] &= ~AUXILIARY_DISABLED;
        put(RESEND | FROM_AUXILIARY | WITH_TIMEOUT);
      }
      default -> {
        ram[0] &= ~KEYBOARD_DISABLED;
        keyboard.ifPresentOrElse(device -> device.receive(value), () -> put(RESEND | WITH_TIMEOUT));
      }
    }
  }

  /**
   * @ref [PS2] "Controller Commands"
   */
  private void writeCommand(int value) {
    if (trace.on(Trace.Category.KEYBOARD)) {
      trace.line(Trace.Category.KEYBOARD, "command <- %02x", value);
    }
    commandWritten = true;
    pendingCommand = NO_COMMAND;
    if (value >= 0x20 && value < 0x40) {
      put(ram[value & 0x1F] & 0xFF);
      return;
    }
    if (value >= 0x60 && value < 0x80 || value >= 0xD1 && value <= 0xD4) {
      pendingCommand = value;
      return;
    }
    if (value >= 0xF0) {
      // Pulses the output port's lines whose bit is 0.
      if ((value & NO_RESET) == 0) {
        reset.run();
      }
      return;
    }
    switch (value) {
      case 0xA7 -> ram[0] |= AUXILIARY_DISABLED;
      case 0xA8 -> ram[0] &= ~AUXILIARY_DISABLED;
      case 0xA9, 0xAB -> put(0x00);
      case 0xAA -> put(0x55);
      case 0xAD -> ram[0] |= KEYBOARD_DISABLED;
      case 0xAE -> ram[0] &= ~KEYBOARD_DISABLED;
      case 0xC0 -> put(0x80);
      case 0xD0 -> put(outputPort & ~0x30 | outputFullBits());
      case 0xDD -> writeOutputPort(outputPort & ~A20);
      case 0xDF -> writeOutputPort(outputPort | A20);
      default -> {
        // Unknown commands do nothing.
      }
    }
  }

  /** Output port bits 4 and 5: the two output buffer full lines. */
  private int outputFullBits() {
    Integer next = output.peek();
    return next == null ? 0 : (next & FROM_AUXILIARY) != 0 ? 0x20 : 0x10;
  }

  private void writeOutputPort(int value) {
    outputPort = value & 0xFF;
    a20.set((outputPort & A20) != 0);
    if ((outputPort & NO_RESET) == 0) {
      outputPort |= NO_RESET;
      reset.run();
    }
  }

  private void fromKeyboard(int value) {
    boolean translated = (ram[0] & TRANSLATED) != 0;
    // Of what this keyboard sends, translation changes its identity only.
    put(translated && value == 0x83 ? 0x41 : value);
  }

  private void put(int value) {
    if (output.size() < ROOM) {
      output.add(value);
      update();
    }
  }

  private void update() {
    Integer next = output.peek();
    boolean auxiliary = next != null && (next & FROM_AUXILIARY) != 0;
    boolean fromKeyboard = next != null && !auxiliary;
    keyboardLine.set(fromKeyboard && (ram[0] & KEYBOARD_INTERRUPT) != 0);
    auxiliaryLine.set(auxiliary && (ram[0] & AUXILIARY_INTERRUPT) != 0);
  }
}
