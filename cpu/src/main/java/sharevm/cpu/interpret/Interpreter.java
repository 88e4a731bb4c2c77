package sharevm.cpu.interpret;

import java.util.Arrays;
import sharevm.cpu.Attention;
import sharevm.cpu.CodePages;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Engine;
import sharevm.cpu.Exit;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/**
 * The engine that is complete, portable and memory-safe, and the oracle for others: decodes a block
 * once and executes its instructions one by one.
 */
public final class Interpreter implements Engine {
  private static final int RECENT_BITS = 12;

  private final Cpu cpu;
  private final CpuState s;
  private final BlockCache cache;
  private final BlockBuilder builder;

  /** Blocks by linear address and privilege, as long as no mapping changes. */
  private final Block[] recent = new Block[1 << RECENT_BITS];

  private final long[] recentKey = new long[1 << RECENT_BITS];

  /** The number of changes of mappings when each was put there. */
  private final int[] recentSince = new int[1 << RECENT_BITS];

  private int mappingChanges;

  /** The running block ends before the instruction with this number. */
  private int stop;

  private long retired;

  private long faults;

  /** Makes the interpreter of a processor. */
  public Interpreter(Cpu cpu, Decoders decoders, CodePages codePages) {
    this.cpu = cpu;
    this.s = cpu.state;
    this.cache = new BlockCache(s, cpu.bus.ram().byteSize(), this::leaveBlock);
    this.builder = new BlockBuilder(cpu, codePages, cache, decoders.of(cpu.model));
    codePages.add(cache);
  }

  @Override
  public long retired() {
    return retired;
  }

  /** Returns what has been used up of budgets: instructions that retired, and faults. */
  public long spent() {
    return retired + faults;
  }

  @Override
  public void mappingChanged() {
    mappingChanges++;
    if (mappingChanges == 0) {
      Arrays.fill(recent, null);
    }
  }

  @Override
  public void leaveBlock() {
    stop = 0;
  }

  /** Says that the calling thread now runs the processor. */
  public void enter() {
    cache.enter();
  }

  @Override
  public Exit run(long budget) {
    enter();
    long end = spent() + budget;
    while (spent() < end) {
      if (s.attention.bits() != 0) {
        Exit exit = attend();
        if (exit != null) {
          return exit;
        }
      }
      if (s.halted || s.waitForStartup) {
        return cpu.idle();
      }
      Exit exit = cpu.events.single() ? step() : block(end - spent());
      if (exit != null) {
        return exit;
      }
    }
    return new Exit.BudgetSpent();
  }

  /** Does what the attention word asks for; returns an exit or null to go on. */
  public Exit attend() {
    int bits = s.attention.bits();
    if ((bits & Attention.CODE) != 0) {
      s.attention.clear(Attention.CODE);
      cpu.writer.answer();
      cache.dropPending();
    }
    if ((bits & Attention.FLUSH) != 0) {
      s.attention.clear(Attention.FLUSH);
      cpu.flushTranslations(true);
    }
    return cpu.events.attend();
  }

  /** Executes one block, or as much of it as is allowed; returns an exit or null to go on. */
  public Exit block(long most) {
    try {
      Block block = find();
      return execute(block, (int) Math.min(block.instructions.length, most));
    } catch (GuestFault fault) {
      return faulted(fault);
    }
  }

  /** Executes one instruction with all that may surround it: debug exceptions, interrupt shadow. */
  public Exit step() {
    try {
      cpu.events.beforeStep();
      Block block = find();
      Exit exit = execute(block, 1);
      return exit != null ? exit : cpu.events.afterStep();
    } catch (GuestFault fault) {
      return faulted(fault);
    }
  }

  /** A fault uses up budget too: a handler that faults at once would otherwise never come back. */
  public Exit faulted(GuestFault fault) {
    faults++;
    return cpu.events.fault(fault);
  }

  /**
   * Executes the first instructions of a block that begins at RIP; returns an exit or null to go
   * on.
   */
  public Exit execute(Block block, int limit) {
    Instruction[] code = block.instructions;
    s.gpr[CpuState.BLOCK_RIP] = s.rip;
    s.rip += block.length;
    stop = limit;
    int n = 0;
    try {
      do {
        Instruction instruction = code[n];
        instruction.operation.execute(cpu, instruction);
        n++;
      } while (n < stop);
    } catch (GuestFault fault) {
      if (!fault.isInNewTask()) {
        s.rip = code[n].ownRip(s);
      }
      retired += n;
      return faulted(fault);
    }
    retired += n;
    if (n < code.length) {
      s.rip = code[n].ownRip(s);
    }
    return null;
  }

  /**
   * Returns the block at RIP.
   *
   * @throws GuestFault when it cannot be fetched
   */
  public Block find() {
    long linear = s.segmentBase[CpuState.CS] + s.rip & s.linearMask;
    long key = linear << 1 | (s.cpl == 3 ? 1 : 0);
    int slot = (int) (linear ^ linear >>> RECENT_BITS) & (1 << RECENT_BITS) - 1;
    if (recentKey[slot] == key && recentSince[slot] == mappingChanges) {
      Block block = recent[slot];
      if (block != null
          && block.valid
          && block.mode == s.codeSize
          && (s.code64 || insideLimit(block))) {
        return block;
      }
    }
    return findSlowly(linear, key, slot);
  }

  private boolean insideLimit(Block block) {
    return s.rip + block.length - 1 <= (s.segmentLimit[CpuState.CS] & 0xffff_ffffL);
  }

  /** Returns the block that has been decoded at a place in RAM for a code size, or null. */
  public Block decodedAt(long place, int codeSize) {
    return cache.find(place, codeSize);
  }

  /**
   * Decodes the block at a place in RAM for the present code size, unless it has been, or there is
   * no room, or nothing that can be.
   *
   * @param linear where the place is mapped
   */
  public void decode(long linear, long place) {
    if (cache.find(place, s.codeSize) == null && !cache.isFull()) {
      try {
        build(linear, place);
      } catch (GuestFault _) {
        // Who comes there is told.
      }
    }
  }

  private Block build(long linear, long place) {
    Block block = builder.build(linear, place, s.codeSize);
    if (block.place >= 0) {
      cache.add(block);
    }
    return block;
  }

  private Block findSlowly(long linear, long key, int slot) {
    if (!s.code64 && s.rip > (s.segmentLimit[CpuState.CS] & 0xffff_ffffL)) {
      throw GuestFault.generalProtection();
    }
    long place = cpu.memory.fetch(linear);
    Block block = place < 0 ? null : cache.find(place, s.codeSize);
    if (block != null && block.secondPage >= 0 && !stillCrosses(block, linear)) {
      cache.remove(block);
      block = null;
    }
    if (block == null) {
      makeRoom();
      block = build(linear, place);
    }
    if (!s.code64 && !insideLimit(block)) {
      return withinLimit(block);
    }
    if (block.place >= 0) {
      recent[slot] = block;
      recentKey[slot] = key;
      recentSince[slot] = mappingChanges;
    }
    return block;
  }

  /** Drops all blocks when there are too many: what is still needed is soon decoded again. */
  private void makeRoom() {
    if (cache.isFull()) {
      cache.clear();
      Arrays.fill(recent, null);
    }
  }

  private boolean stillCrosses(Block block, long linear) {
    return (cpu.memory.fetch((linear & -4096) + 4096 & s.linearMask) & -4096) == block.secondPage;
  }

  /** Returns the part of a block that the code segment's limit lets through. */
  private Block withinLimit(Block block) {
    long room = (s.segmentLimit[CpuState.CS] & 0xffff_ffffL) - s.rip + 1;
    int count = 0;
    for (Instruction i : block.instructions) {
      count += i.offset + i.length <= room ? 1 : 0;
    }
    if (count == 0) {
      throw GuestFault.generalProtection();
    }
    return new Block(Arrays.copyOf(block.instructions, count), -1, block.mode, -1);
  }
}
