package sharevm.translator;

import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import sharevm.cpu.Attention;
import sharevm.cpu.CodePages;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Engine;
import sharevm.cpu.Exit;
import sharevm.cpu.Flags;
import sharevm.cpu.event.GuestFault;
import sharevm.cpu.interpret.Block;
import sharevm.cpu.interpret.Interpreter;
import sharevm.host.ExecutableMemory;
import sharevm.host.HostException;
import sharevm.translator.Tuning.Means;

/**
 * The fast engine. Blocks are interpreted until they have proved to be worth a translation; what
 * translated code cannot do it leaves to the interpreter, instruction by instruction.
 */
public final class Translator implements Engine, CodePages.Cache {
  /** Below this the interpreter spends the rest of a budget exactly. */
  private static final int SMALL_BUDGET = Trace.MOST;

  private record Dropped(int page, int from, int to) {}

  private final Cpu cpu;
  private final CpuState s;
  private final Interpreter interpreter;
  private final Tuning tuning;
  private final CodeCache cache;
  private final ContextAccess context;
  private final CodePlaces places;
  private final DormantJumps dormant = new DormantJumps();

  /** Blocks that were lately looked up. */
  private final TranslatedBlock[] recent = new TranslatedBlock[1 << Context.JUMP_BITS];

  private final ConcurrentLinkedQueue<Dropped> dropped = new ConcurrentLinkedQueue<>();
  private volatile Thread owner;
  private long retired;

  /** {@link #run} returns when as many instructions have retired. */
  private long end;

  private final long[] exits = new long[ExitSite.Kind.values().length];

  private Translator(
      Cpu cpu,
      Interpreter interpreter,
      CodePages codePages,
      ExecutableMemory memory,
      Tuning tuning) {
    this.tuning = tuning;
    this.cpu = cpu;
    this.s = cpu.state;
    this.interpreter = interpreter;
    this.cache = new CodeCache(memory, cpu.bus.ram().byteSize(), this::liveAt, tuning);
    this.context = new ContextAccess(cpu, codePages, tuning);
    this.places = new CodePlaces(cpu, context);
    cpu.memory.listen(context);
  }

  /** Returns what makes the engine of a processor. */
  public static Cpu.EngineFactory factory(Tuning tuning) {
    return (cpu, interpreter, codePages) -> {
      try {
        ExecutableMemory memory = ExecutableMemory.allocate(tuning.codeBytes());
        Translator translator =
            new Translator(cpu, interpreter, codePages, memory, HostProcessor.suit(tuning));
        codePages.add(translator);
        return translator;
      } catch (HostException e) {
        throw new UncheckedIOException(e);
      }
    };
  }

  /**
   * Returns why there can be no translator on an x86-64 host, in words for its user, or nothing
   * when there can.
   */
  public static Optional<String> refusal() {
    try {
      return HostProcessor.lacks()
          .map(missing -> "the translator needs " + missing + ", which this processor lacks");
    } catch (HostException e) {
      return Optional.of(e.getMessage());
    }
  }

  @Override
  public long retired() {
    return retired + interpreter.retired();
  }

  @Override
  public void mappingChanged() {
    interpreter.mappingChanged();
  }

  @Override
  public void leaveBlock() {
    interpreter.leaveBlock();
  }

  @Override
  public Exit run(long budget) {
    owner = Thread.currentThread();
    interpreter.enter();
    end = spent() + budget;
    while (true) {
      long left = end - spent();
      if (left <= 0) {
        return new Exit.BudgetSpent();
      }
      if (s.attention.bits() != 0) {
        Exit exit = attend();
        if (exit != null) {
          return exit;
        }
      }
      if (s.halted || s.waitForStartup) {
        return cpu.idle();
      }
      Exit exit = cpu.events.single() ? interpreter.step() : go(left);
      if (exit != null) {
        return exit;
      }
    }
  }

  private long spent() {
    return retired + interpreter.spent();
  }

  /**
   * Does what the attention word asks for; forgets code that others have changed after the word has
   * been cleared, lest what comes in between is not heard of.
   */
  private Exit attend() {
    Exit exit = interpreter.attend();
    for (Dropped d = dropped.poll(); d != null; d = dropped.poll()) {
      cache.drop(d.page, d.from, d.to);
    }
    return exit;
  }

  /**
   * Goes on at RIP: in translated code where there is some, else in the interpreter for one block.
   */
  private Exit go(long budget) {
    int modeKey = modeKey();
    if (modeKey == ModeKey.NONE || budget < SMALL_BUDGET || s.attention.bits() != 0) {
      return interpreter.block(budget);
    }
    try {
      TranslatedBlock block = lookUp(modeKey);
      if (block != null) {
        return execute(block, budget);
      }
      Block decoded = interpreter.find();
      if (++decoded.heat >= tuning.hot() && decoded.isKept() && isWorthIt(decoded, modeKey)) {
        return execute(translate(decoded, modeKey), budget);
      }
      return interpreter.execute(decoded, decoded.instructions.length);
    } catch (GuestFault fault) {
      return interpreter.faulted(fault);
    }
  }

  private TranslatedBlock lookUp(int modeKey) {
    int slot = Context.jumpNumber(s.rip, Context.JUMP_BITS);
    TranslatedBlock block = recent[slot];
    boolean same = block != null && block.valid && block.rip == s.rip && block.modeKey == modeKey;
    if (!same) {
      block = cache.find(s.rip, modeKey);
    }
    if (block == null || !ModeKey.isFlat(modeKey) && isBeyondLimit()) {
      return null;
    }
    long place = places.at(linear(s.rip));
    while (block != null && (block.place != place || !isWhole(block))) {
      block = same ? cache.find(s.rip, modeKey) : block.next;
      same = false;
    }
    if (block != null) {
      recent[slot] = block;
    }
    return block;
  }

  /** Whether a block that reaches into a second page still finds there what it was made from. */
  private boolean isWhole(TranslatedBlock block) {
    return block.secondPage < 0
        || (cpu.memory.fetch((linear(s.rip) & -4096) + 4096) & -4096) == block.secondPage;
  }

  private boolean isBeyondLimit() {
    return Integer.compareUnsigned((int) s.rip, s.segmentLimit[CpuState.CS]) > 0;
  }

  /** Returns the linear address of the code at a RIP. */
  private long linear(long rip) {
    return s.segmentBase[CpuState.CS] + rip & s.linearMask;
  }

  private static boolean isWorthIt(Block block, int modeKey) {
    return InstructionTranslator.translates(block.instructions[0], modeKey);
  }

  private TranslatedBlock translate(Block decoded, int modeKey) {
    makeRoom(modeKey);
    TranslatedBlock block =
        new TranslatedBlock(trace(decoded, modeKey), decoded.place, modeKey, decoded.secondPage);
    cache.add(block);
    return block;
  }

  private Trace trace(Block decoded, int modeKey) {
    if (!tuning.has(Means.BLOCKS)) {
      return Trace.single(decoded, s.rip);
    }
    return Trace.follow(decoded, s.rip, modeKey, new PageBlocks(decoded));
  }

  /** The blocks that have been decoded in the page of one that begins at RIP. */
  private final class PageBlocks implements Trace.Blocks {
    private final CodePage page;

    PageBlocks(Block first) {
      page = CodePage.of(s.rip, first.place);
    }

    @Override
    public Block at(long rip) {
      boolean far = tuning.has(Means.TRACES);
      return far ? interpreter.decodedAt(page.place(rip), s.codeSize) : null;
    }

    @Override
    public void want(long rip) {
      interpreter.decode(linear(rip), page.place(rip));
    }
  }

  private void makeRoom(int modeKey) {
    if (!cache.hasRoom(modeKey)) {
      cache.wasFull();
      Arrays.fill(recent, null);
      context.jumps().forget(true, s.cr3);
      dormant.clear();
    }
  }

  /** Returns the flags that are live at a RIP where a block may be left for. */
  private int liveAt(TranslatedBlock from, long rip) {
    if (!from.isInPage(rip)) {
      return Flags.STATUS;
    }
    Block behind = interpreter.decodedAt(from.place(rip), from.code[0].codeSize);
    if (behind == null || behind.secondPage >= 0) {
      return Flags.STATUS;
    }
    from.dependsOn(rip, Liveness.lengthLookedAt(behind));
    return Liveness.into(behind, from.modeKey);
  }

  /** Runs translated code from a block's entry until something needs Java. */
  private Exit execute(TranslatedBlock first, long most) {
    long budget = most;
    context.enter(budget, first.modeKey);
    if (!tuning.has(Means.TLB)) {
      context.emptyTlbs();
    }
    long address = cache.address(first.entry);
    enterJumps(first, address);
    while (true) {
      int number = (int) cache.call(cache.stubs().enterOffset(), context.base(), address);
      ExitSite site = cache.site(number);
      exits[site.kind().ordinal()]++;
      switch (site.kind()) {
        case MISS -> {
          if (context.fill(ModeKey.tlb(site.modeKey()), site.size(), site.write())) {
            address = context.missReturn();
            continue;
          }
          return interpretOn(site, budget);
        }
        case WINDOW_MISS, PLAIN -> {
          boolean missed = site.kind() == ExitSite.Kind.WINDOW_MISS;
          if (missed && fillWindow(site)) {
            address = context.missReturn();
            continue;
          }
          TranslatedBlock rest = plainRest(site);
          if (missed) {
            context.giveBack(site.block().code.length - site.index());
          }
          if (rest == null) {
            return withoutRoom(site, budget);
          }
          if (!missed) {
            cache.chain(site, rest);
          }
          address = cache.address(rest.entry);
        }
        case MIRROR -> {
          if (!context.mirror() || cache.doesWithoutMirror(site)) {
            cache.withoutMirror(site);
          }
          address = cache.address(site.patch());
        }
        case CHAIN -> {
          TranslatedBlock next = chained(site);
          if (next != null) {
            cache.chain(site, next);
            address = cache.address(next.entry);
            continue;
          }
          if (cache.find(site.target(), site.modeKey()) != null) {
            cache.chainToLookup(site);
          }
          return leave(site.target(), 0, budget);
        }
        case LOOKUP -> {
          return leave(context.rip(), 0, budget);
        }
        case INVALID -> {
          TranslatedBlock old = site.block();
          TranslatedBlock next = successor(old.rip, old.place, old.modeKey);
          if (next != null) {
            cache.forward(old, next);
            address = cache.address(next.entry);
            continue;
          }
          return leave(old.rip, 0, budget);
        }
        case ENTRY -> {
          return leave(site.block().rip, 0, budget);
        }
        case CALL -> {
          context.takeFlushes();
          int mappings = context.mappings();
          Exit exit = interpret(site, budget);
          if (exit != null || !canResume(site, mappings)) {
            return exit;
          }
          budget = end - spent();
          context.enter(budget, site.modeKey());
          context.giveBack(site.index() + 1 - site.block().code.length);
          address = context.missReturn();
        }
        case INSTRUCTION -> {
          return interpret(site, budget);
        }
      }
    }
  }

  /** Lets jumps of translated code find the block at RIP. */
  private void enterJumps(TranslatedBlock block, long address) {
    JumpCache jumps = context.jumps();
    int table = cache.jumps(block.modeKey);
    if (!ModeKey.isFlat(block.modeKey)) {
      jumps.segmented().add(block.rip, s.segmentBase[CpuState.CS], table, address);
      return;
    }
    places.at(block.rip);
    boolean global = places.lastIsGlobal();
    jumps.add(block, table, address, global);
    boolean fresh = places.takeFresh();
    if (!global && tuning.has(Means.JUMPS)) {
      dormant.note(block, fresh && !jumps.hasKept(), cache, jumps);
    }
  }

  @Override
  public void release() {
    context.close();
  }

  private boolean fillWindow(ExitSite site) {
    return context.fillWindow(ModeKey.tlb(site.modeKey()), site.size(), site.write());
  }

  /**
   * Returns the translation of the rest of an exit's block that checks each access by itself, or
   * null when there is no room for it.
   */
  private TranslatedBlock plainRest(ExitSite site) {
    TranslatedBlock rest = site.block().plainRest(site.index(), site.modeKey());
    if (rest.entry == 0) {
      if (!cache.hasRoom(rest.modeKey)) {
        return null;
      }
      cache.translate(rest);
    }
    return rest;
  }

  /** Returns the block that a chain exit is to lead to, if it is there. */
  private TranslatedBlock chained(ExitSite site) {
    TranslatedBlock from = site.block();
    return from.valid ? successor(site.target(), from.place(site.target()), site.modeKey()) : null;
  }

  private TranslatedBlock successor(long rip, long place, int modeKey) {
    TranslatedBlock next = cache.find(rip, modeKey);
    while (next != null && (next.place != place || next.secondPage >= 0)) {
      next = next.next;
    }
    return next;
  }

  /** Brings the processor's state home: RIP and what was executed of the budget. */
  private Exit leave(long rip, int undone, long budget) {
    s.rip = rip;
    retired += context.leave(budget, undone);
    context.floating().notePointers(cache);
    return null;
  }

  /** Whether code can go on behind an instruction that Java has executed. */
  private boolean canResume(ExitSite site, int mappings) {
    TranslatedBlock block = site.block();
    return s.rip == block.ripBehind(site.index())
        && block.valid
        && s.attention.bits() == 0
        && context.mappings() == mappings
        && !cpu.events.single()
        && modeKey() == site.modeKey();
  }

  private int modeKey() {
    return ModeKey.of(s, tuning.has(Means.X87));
  }

  /** Executes in Java the instruction that an exit names. */
  private Exit interpret(ExitSite site, long budget) {
    leaveBefore(site, budget);
    return interpreter.block(1);
  }

  private void leaveBefore(ExitSite site, long budget) {
    TranslatedBlock block = site.block();
    int index = site.index();
    leave(block.rip(index), block.code.length - index, budget);
  }

  /**
   * Executes the instruction that an exit names and what was decoded behind it, since what stores
   * to a page with code will often do so again at once.
   */
  private Exit interpretOn(ExitSite site, long budget) {
    leaveBefore(site, budget);
    return cpu.events.single() ? interpreter.step() : interpreter.block(end - spent());
  }

  /**
   * Goes on where a full code cache has no room for the rest of a block: empties it, and executes
   * one instruction, since the block itself would come to the same place again.
   */
  private Exit withoutRoom(ExitSite site, long budget) {
    leave(site.block().rip(site.index()), 0, budget);
    makeRoom(site.modeKey());
    return interpreter.block(1);
  }

  @Override
  public void drop(int page, int from, int to) {
    if (Thread.currentThread() == owner) {
      cache.drop(page, from, to);
    } else {
      dropped.add(new Dropped(page, from, to));
      s.attention.raise(Attention.CODE);
    }
  }

  @Override
  public boolean mayHold(int page) {
    return cache.mayHold(page);
  }

  @Override
  public String counts() {
    long interpreted = interpreter.retired();
    StringBuilder text = new StringBuilder(cache.statistics());
    text.append(
        String.format(
            Locale.ROOT,
            "; %.2f %% of instructions interpreted; left translated code for",
            100.0 * interpreted / Math.max(1, retired())));
    String separator = " ";
    for (ExitSite.Kind kind : ExitSite.Kind.values()) {
      long count = exits[kind.ordinal()];
      text.append(String.format(Locale.ROOT, "%s%s %,d", separator, kind.cause(), count));
      separator = ", ";
    }
    return text.toString();
  }
}
