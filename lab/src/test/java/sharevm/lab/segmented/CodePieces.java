package sharevm.lab.segmented;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import sharevm.cpu.CpuState;
import sharevm.lab.lockstep.CodeBuffer.Label;

/** Code that is data as well: instructions that change, and bytes that are read and written. */
final class CodePieces {
  /** Bytes of data among the code. */
  private static final int POOL = 48;

  /** Offsets of immediate bytes that change. */
  final List<Long> patches = new ArrayList<>();

  private final Emitter emitter;
  private final Operands operands;

  CodePieces(Emitter emitter, Operands operands) {
    this.emitter = emitter;
    this.operands = operands;
  }

  /** Some bytes of data in the midst of the code. */
  void pool(SplittableRandom random) {
    Label over = new Label();
    emitter.flags.settle();
    emitter.code.put(0xeb); // JMP over them
    emitter.code.distance(over, 1);
    operands.pools.add(emitter.code.here());
    for (int n = 0; n < POOL; n++) {
      emitter.code.put(random.nextInt());
    }
    emitter.code.bind(over);
  }

  /**
   * A store to an immediate operand that has been executed or soon will be, or an instruction that
   * has such an operand.
   */
  void selfModifying(SplittableRandom random) {
    switch (random.nextInt(3)) {
      case 0 -> {
        if (!patches.isEmpty()) {
          long place = patches.get(random.nextInt(patches.size()));
          through(() -> emitter.code.number(place, emitter.size), random);
        }
      }
      case 1 -> {
        Label next = new Label();
        through(() -> emitter.code.address(next, emitter.size, 0), random);
        patchable(next, random);
      }
      default -> patchable(new Label(), random);
    }
  }

  private void patchable(Label place, SplittableRandom random) {
    emitter.code.put(0x83, 0xc0 | random.nextInt(2) * 2); // ADD AX or DX, imm8
    emitter.code.bind(place);
    patches.add(emitter.code.here());
    emitter.code.put(random.nextInt());
    emitter.flags.defined();
  }

  /** MOV or ADD of a byte in the code, through another segment that has it. */
  private void through(Runnable place, SplittableRandom random) {
    int register = new int[] {CpuState.ES, CpuState.FS, CpuState.GS}[random.nextInt(3)];
    GuestSegment before = operands.current[register];
    boolean direct = emitter.setting.mode().realSegments() && random.nextBoolean();
    boolean adds = random.nextBoolean();
    if (!direct) {
      emitter.loadSegment(register, emitter.setting.alias());
    }
    emitter.code.put(Emitter.prefix(direct ? CpuState.CS : register));
    emitter.code.put(adds ? 0x80 : 0xc6); // ADD or MOV byte [it], imm8
    emitter.code.put(emitter.size == 2 ? 6 : 5);
    place.run();
    emitter.code.put(random.nextInt(1, 256));
    if (adds) {
      emitter.flags.defined();
    }
    if (!direct) {
      emitter.loadSegment(register, before);
    }
  }
}
