package sharevm.lab.house;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.classfile.ClassModel;
import java.lang.classfile.FieldModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.reflect.AccessFlag;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/** The invariants of ARCHITECTURE.md that can be read from the compiled classes. */
final class ArchitectureTest {
  /** The longest method that HotSpot compiles, in bytes (its flag HugeMethodLimit). */
  private static final int LONGEST_COMPILED_METHOD = 8000;

  /** Which modules a module may use, beside itself. */
  private static final Map<String, Set<String>> MAY_USE =
      Map.of(
          "host", Set.of(),
          "cpu", Set.of(),
          "disk", Set.of(),
          "machine", Set.of("cpu", "disk"),
          "translator", Set.of("cpu", "host"),
          "library", Set.of("cpu", "disk", "machine", "translator", "host"),
          "app", Set.of("library", "machine", "host", "disk"));

  /** Which packages beyond the JDK a module may use. */
  private static final Map<String, List<String>> LIBRARIES =
      Map.of(
          "host", List.of(),
          "cpu", List.of(),
          "disk", List.of("io/airlift/compress/"),
          "machine", List.of("org/tukaani/xz/"),
          "translator", List.of(),
          "library", List.of("org/tukaani/xz/", "org/apache/commons/compress/"),
          "app", List.of("picocli/"));

  private static final Pattern TYPE_IN_DESCRIPTOR = Pattern.compile("L([a-z][A-Za-z0-9_$/]*);");

  private final List<ClassModel> classes = ProjectClasses.all();

  @Test
  void allModulesAreLookedAt() {
    assertThat(classes.stream().map(ArchitectureTest::module).distinct())
        .containsExactlyInAnyOrderElementsOf(MAY_USE.keySet());
  }

  @Test
  void modulesUseOnlyWhatTheyMay() {
    Set<String> wrong = new TreeSet<>();
    for (ClassModel model : classes) {
      String module = module(model);
      for (String used : usedTypes(model)) {
        boolean allowed =
            ProjectClasses.isOurs(used)
                ? module.equals(ProjectClasses.module(used))
                    || MAY_USE.get(module).contains(ProjectClasses.module(used))
                : used.startsWith("java/")
                    || LIBRARIES.get(module).stream().anyMatch(used::startsWith);
        if (!allowed) {
          wrong.add(name(model) + " uses " + used);
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  @Test
  void noStaticFieldCanChange() {
    Set<String> wrong = new TreeSet<>();
    for (ClassModel model : classes) {
      for (FieldModel field : model.fields()) {
        if (field.flags().has(AccessFlag.STATIC) && !field.flags().has(AccessFlag.FINAL)) {
          wrong.add(name(model) + "." + field.fieldName().stringValue());
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  @Test
  void onlyTheCommandWritesToStandardOutputAndErrors() {
    assertThat(
            members(
                not("app"),
                (owner, name) ->
                    owner.equals("java/lang/System") && (name.equals("out") || name.equals("err"))))
        .isEmpty();
  }

  @Test
  void onlyTheHostModuleCallsNativeCode() {
    assertThat(
            members(
                not("host"),
                (owner, name) ->
                    owner.startsWith("java/lang/foreign/Linker")
                        || owner.startsWith("java/lang/foreign/SymbolLookup")
                        || (owner.startsWith("java/lang/foreign/")
                            && (name.equals("reinterpret") || name.equals("ofAddress")))
                        || owner.startsWith("sun/misc/Unsafe")))
        .isEmpty();
  }

  @Test
  void theProcessorOpensNoFileStartsNoThreadReadsNoClock() {
    assertThat(
            members(
                "cpu"::equals,
                (owner, name) ->
                    owner.startsWith("java/nio/file/")
                        || owner.startsWith("java/nio/channels/")
                        || owner.startsWith("java/io/File")
                        || owner.startsWith("java/io/RandomAccessFile")
                        || owner.startsWith("java/util/concurrent/Executor")
                        || owner.startsWith("java/util/concurrent/ForkJoin")
                        || owner.startsWith("java/lang/ProcessBuilder")
                        || (owner.equals("java/lang/Thread")
                            && Set.of(
                                    "<init>",
                                    "start",
                                    "ofPlatform",
                                    "ofVirtual",
                                    "startVirtualThread")
                                .contains(name))
                        || (owner.equals("java/lang/System")
                            && Set.of("nanoTime", "currentTimeMillis").contains(name))
                        || (owner.startsWith("java/time/") && name.equals("now"))))
        .isEmpty();
  }

  @Test
  void everyMethodOfTheProcessorIsShortEnoughToBeCompiled() {
    Set<String> wrong = new TreeSet<>();
    for (ClassModel model : classes) {
      for (MethodModel method : model.methods()) {
        String methodName = method.methodName().stringValue();
        if (module(model).equals("cpu")
            && !methodName.equals("<clinit>")
            && length(method) > LONGEST_COMPILED_METHOD) {
          wrong.add(name(model) + "." + methodName + ": " + length(method) + " bytes");
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  private static int length(MethodModel method) {
    return method.code().map(code -> ((CodeAttribute) code).codeLength()).orElse(0);
  }

  private interface MemberTest {
    boolean matches(String owner, String name);
  }

  /** Returns where classes of some modules refer to members that match. */
  private Set<String> members(Predicate<String> modules, MemberTest test) {
    Set<String> found = new TreeSet<>();
    for (ClassModel model : classes) {
      if (!modules.test(module(model))) {
        continue;
      }
      for (PoolEntry entry : model.constantPool()) {
        if (entry instanceof MemberRefEntry member
            && test.matches(member.owner().asInternalName(), member.name().stringValue())) {
          found.add(
              name(model)
                  + " uses "
                  + member.owner().asInternalName()
                  + "."
                  + member.name().stringValue());
        }
      }
    }
    return found;
  }

  /** Returns the types that a class names, by itself or in descriptors and signatures. */
  private static Set<String> usedTypes(ClassModel model) {
    Set<String> types = new TreeSet<>();
    for (PoolEntry entry : model.constantPool()) {
      if (entry instanceof ClassEntry type && !type.asInternalName().startsWith("[")) {
        types.add(type.asInternalName());
      }
    }
    Stream<String> descriptors =
        Stream.concat(
            model.methods().stream().map(method -> method.methodType().stringValue()),
            model.fields().stream().map(field -> field.fieldType().stringValue()));
    Stream<String> references =
        StreamSupport.stream(model.constantPool().spliterator(), false)
            .filter(MemberRefEntry.class::isInstance)
            .map(entry -> ((MemberRefEntry) entry).type().stringValue());
    Stream.concat(descriptors, references)
        .flatMap(
            descriptor ->
                TYPE_IN_DESCRIPTOR.matcher(descriptor).results().map(ArchitectureTest::type))
        .forEach(types::add);
    return types;
  }

  private static String type(MatchResult match) {
    return match.group(1);
  }

  private static Predicate<String> not(String module) {
    return name -> !name.equals(module);
  }

  private static String module(ClassModel model) {
    return ProjectClasses.module(name(model));
  }

  private static String name(ClassModel model) {
    return model.thisClass().asInternalName();
  }
}
