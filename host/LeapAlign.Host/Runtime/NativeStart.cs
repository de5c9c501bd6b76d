using LeapAlign.Pipeline;
using TorchSharp;

namespace LeapAlign.Host.Runtime;

/// <summary>What is arranged between the process and its system before anything else (docs/decisions/0023 and 0024).</summary>
internal static class NativeStart
{
    // Programs run a copy of TorchSharp that refers to the innermost library of ours; the package's own does not.
    private static readonly bool s_changed = typeof(torch).Assembly.GetReferencedAssemblies().Any(static name => name.Name == typeof(SignalStack).Assembly.GetName().Name);

    /// <summary>Whether this thread and all that enter libtorch later have a large stack for signals.</summary>
    public static bool IsCovered => s_changed && SignalStack.SizeOfThisThread >= SignalStack.Enough;

    /// <summary>Arranges it. Call it first.</summary>
    public static void Prepare()
    {
        if (!OperatingSystem.IsLinux()) return;
        // A file that reaches the limit is then a write that fails, which is a fault with a place.
        Libc.IgnoreSignal(Libc.FileTooLarge);
        SignalStack.Enter();
        if (SignalStack.ProcessorHasTiles && !IsCovered) SignalStack.AvoidTiles();
    }

    /// <summary>How AMX and stacks for signals go together here.</summary>
    public static (bool IsWell, string Words) Stacks()
    {
        if (!OperatingSystem.IsLinux()) return (true, "as the system has them");
        var size = $"{SignalStack.SizeOfThisThread / 1024} KB on this thread";
        var words = !s_changed ? $"{size}; this TorchSharp is not the program's own copy, so that threads of others are not covered" : IsCovered ? $"{size}, and on each that enters libtorch" : $"{size}, which is all that the system gives";
        return (IsCovered || !SignalStack.ProcessorHasTiles || SignalStack.AvoidsTiles, words);
    }

    /// <summary>Whether the processor has AMX and whether it is used.</summary>
    public static string Tiles() =>
        !SignalStack.ProcessorHasTiles ? "not in this processor"
        : SignalStack.AvoidsTiles ? "left aside, because threads have no larger stack for signals (ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16)"
        : Libc.Get("ONEDNN_MAX_CPU_ISA") is { } limit ? $"as ONEDNN_MAX_CPU_ISA={limit} says"
        : "used";
}
