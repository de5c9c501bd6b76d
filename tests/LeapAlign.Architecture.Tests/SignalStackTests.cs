using LeapAlign.Pipeline;
using Mono.Cecil;
using Mono.Cecil.Cil;
using static TorchSharp.torch;

namespace LeapAlign.Architecture.Tests;

/// <summary>Every thread that enters libtorch has a stack for signals that holds more than the runtime's, see docs/decisions/0023.</summary>
public sealed class SignalStackTests
{
    private const string Enter = "System.Void LeapAlign.Pipeline.SignalStack::Enter()";

    [Fact]
    public void Every_native_function_of_TorchSharp_is_reached_through_a_method_that_enlarges_the_stack_first()
    {
        using var module = ModuleDefinition.ReadModule(typeof(Tensor).Assembly.Location);
        var methods = module.GetTypes().SelectMany(static type => type.Methods).ToList();
        var natives = methods.Where(static method => method.IsPInvokeImpl).ToHashSet();
        Assert.NotEmpty(natives);
        var users = methods.Where(static method => method.HasBody).SelectMany(static method => method.Body.Instructions, static (method, instruction) => (Method: method, Instruction: instruction))
            .Where(use => use.Instruction.Operand is MethodDefinition called && natives.Contains(called)).ToList();
        Assert.Equal(natives.Count, users.Count);
        Assert.All(users, static use =>
        {
            Assert.Equal(OpCodes.Call, use.Instruction.OpCode);
            Assert.Equal(Enter, (use.Method.Body.Instructions[0].Operand as MethodReference)?.FullName);
        });
    }

    [Fact]
    public void Code_of_ours_that_calls_libtorch_past_TorchSharp_enlarges_the_stack_first()
    {
        var found = 0;
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory, "*.dll").Where(static file => Path.GetFileName(file) is var name && (name.StartsWith("LeapAlign.", StringComparison.Ordinal) || name == "leapalign.dll")))
        {
            using var module = ModuleDefinition.ReadModule(file);
            foreach (var type in module.GetTypes().Where(CallsTorch))
            {
                found++;
                // What others can call; the rest of the type is reached through these.
                var entries = type.Methods.Where(static method => method is { IsPrivate: false, IsPInvokeImpl: false, HasBody: true, IsConstructor: false, IsSpecialName: false } && CallsOwnType(method)).ToList();
                Assert.NotEmpty(entries);
                Assert.All(entries, static entry => Assert.True(entry.Body.Instructions.Any(static instruction => instruction.Operand is MethodReference { FullName: Enter }), $"{entry.FullName} does not call SignalStack.Enter"));
            }
        }
        Assert.True(found >= 2, $"{found} types found");
    }

    [Fact]
    public void Threads_of_every_kind_have_it_after_their_first_call()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux is asked");
        List<(string Kind, long Before, long After)> seen = [];
        void Look(string kind)
        {
            var before = SignalStack.SizeOfThisThread;
            ones(1).Dispose();
            lock (seen) seen.Add((kind, before, SignalStack.SizeOfThisThread));
        }
        void Joined(Action<Action> start)
        {
            using var done = new ManualResetEventSlim();
            start(done.Set);
            Assert.True(done.Wait(TimeSpan.FromMinutes(1)));
        }
        foreach (var background in new[] { false, true })
        {
            var thread = new Thread(() => Look($"thread, background {background}"), maxStackSize: 256 * 1024) { IsBackground = background };
            thread.Start();
            thread.Join();
        }
        Joined(done => ThreadPool.UnsafeQueueUserWorkItem(_ => { Look("pool"); done(); }, null));
        Joined(done => new Timer(_ => { Look("timer"); done(); }).Change(0, Timeout.Infinite));
        Joined(done => Task.Factory.StartNew(() => { Look("long task"); done(); }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        Joined(done => Task.Run(async () => { await Task.Yield(); Look("task"); done(); }));
        Parallel.For(0, 4, index => Look("parallel loop"));
        Assert.All(seen, static one => Assert.True(one.After >= SignalStack.Enough, $"{one}"));
        // Otherwise nothing was enlarged here, and the rest proves nothing.
        Assert.Contains(seen, static one => one.Before is > 0 and < SignalStack.Enough);
    }

    [Fact]
    public void Exceptions_made_of_signals_arrive_on_it()
    {
        var caught = 0;
        var thread = new Thread(() =>
        {
            ones(1).Dispose();
            for (var turn = 0; turn < 2000; turn++) caught += Caught();
        });
        thread.Start();
        thread.Join();
        Assert.Equal(2000, caught);
    }

    [Fact]
    public void A_thread_that_ends_leaves_no_stack_behind()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux is asked");
        const int threads = 2000;
        static void Start(int count)
        {
            for (var number = 0; number < count; number++)
            {
                var thread = new Thread(static () => ones(1).Dispose());
                thread.Start();
                thread.Join();
            }
        }
        static int Mappings()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return File.ReadLines("/proc/self/maps").Count();
        }
        Start(50);
        var before = Mappings();
        Start(threads);
        // A stack is two mappings; other tests of this process make some of their own. A thread that was joined is not gone yet for the system, which a busy
        // machine shows: a stack that is left behind is there after any number of collections.
        for (var turn = 0; turn < 200 && Mappings() - before > threads / 4; turn++) Thread.Sleep(50);
        Assert.InRange(Mappings() - before, int.MinValue, threads / 4);
    }

    [Fact]
    public void A_product_with_tiles_does_not_make_the_next_null_reference_the_end_of_the_process()
    {
        Assert.SkipUnless(SignalStack.ProcessorHasTiles, "this processor has no AMX: without it the frame of a signal fits the runtime's stack");
        var caught = 0;
        var thread = new Thread(() =>
        {
            using var left = randn(512, 512).to(ScalarType.BFloat16);
            for (var turn = 0; turn < 300; turn++)
            {
                using var product = left.matmul(left);
                caught += Caught();
            }
        });
        thread.Start();
        thread.Join();
        Assert.Equal(300, caught);
    }

    private static int Caught()
    {
        try
        {
            return Environment.TickCount64 < 0 ? 0 : Nothing()!.Length;
        }
        catch (NullReferenceException)
        {
            return 1;
        }
    }

    private static string? Nothing() => Environment.TickCount64 < 0 ? "" : null;

    private static bool CallsTorch(TypeDefinition type) =>
        type.Methods.Any(static method => method.IsPInvokeImpl && method.PInvokeInfo.Module.Name.Contains("torch", StringComparison.OrdinalIgnoreCase))
        || (type.Methods.Any(static method => method.HasBody && method.Body.Instructions.Any(static instruction => instruction.Operand is MethodReference { DeclaringType.FullName: "LeapAlign.Pipeline.LibTorch" }))
            && type.Methods.Any(static method => method.HasBody && method.Body.Instructions.Any(static instruction => instruction.OpCode == OpCodes.Calli)));

    private static bool CallsOwnType(MethodDefinition method) =>
        method.Body.Instructions.Any(instruction => instruction.Operand is MethodDefinition { IsPrivate: true } called && called.DeclaringType == method.DeclaringType);
}
