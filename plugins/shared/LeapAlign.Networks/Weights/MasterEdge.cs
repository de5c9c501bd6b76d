using System.Runtime.InteropServices;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Weights;

/// <summary>
/// Connects the compute copy of a weight with its master in the graph, once for each use and without a copy of either: the result has the memory of the copy
/// and the history of the master. Autograd converts a gradient to the type of the edge before it is added to others, so that gradients of all uses in one
/// backward are rounded once and added up in the type of the master; at the one cast of a copy that is shared they would be added up in the type of the copy.
/// <para>
/// The edge is that of <c>aten::_unsafe_view</c> (a view that is no alias for autograd, so that an update of the master does not concern graphs of the copy),
/// whose result then takes the copy's memory by <c>aten::set_data</c>. TorchSharp exposes neither; both are called through libtorch's stable C interface
/// (<c>torch/csrc/stable/c/shim.h</c>), which returns errors as codes. Why not a function with a backward of its own: docs/decisions/0026.
/// </para>
/// </summary>
internal static unsafe partial class MasterEdge
{
    private const ulong InterfaceVersion = (2UL << 56) | (10UL << 48);

    /// <summary>The copy's values with a graph of its own that leads to the master.</summary>
    /// <param name="master">A leaf that gradients are added up in.</param>
    /// <param name="copy">The same values in another type, without a graph.</param>
    /// <returns>A handle that belongs to the dispose scope.</returns>
    /// <exception cref="InvalidOperationException">libtorch refused; it has to be the version that the program was built for.</exception>
    public static Tensor Of(Tensor master, Tensor copy)
    {
        SignalStack.Enter();
        var edge = View(master);
        var stack = stackalloc ulong[2];
        stack[0] = Share(edge);
        stack[1] = Share(copy);
        Check(torch_call_dispatcher("aten::set_data", "", stack, InterfaceVersion), "set_data");
        return edge;
    }

    private static Tensor View(Tensor master)
    {
        var shape = master.shape;
        Check(torch_new_list_reserve_size((nuint)shape.Length, out var list), "list");
        foreach (var size in shape) Check(torch_list_push_back(list, (ulong)size), "push");
        var stack = stackalloc ulong[2];
        stack[0] = Share(master);
        stack[1] = (ulong)list;
        Check(torch_call_dispatcher("aten::_unsafe_view", "", stack, InterfaceVersion), "_unsafe_view");
        return Tensor.UnsafeCreateTensor((nint)stack[0]);
    }

    // The dispatcher steals its arguments, so each gets a handle of its own.
    private static ulong Share(Tensor tensor)
    {
        Check(aoti_torch_new_tensor_handle(tensor.Handle, out var handle), "handle");
        GC.KeepAlive(tensor);
        return (ulong)handle;
    }

    private static void Check(int code, string what)
    {
        if (code != 0) throw new InvalidOperationException($"libtorch refused {what} (code {code})");
    }

    [LibraryImport("torch_cpu", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int torch_call_dispatcher(string name, string overload, ulong* stack, ulong version);

    [LibraryImport("torch_cpu")]
    private static partial int aoti_torch_new_tensor_handle(nint original, out nint result);

    [LibraryImport("torch_cpu")]
    private static partial int torch_new_list_reserve_size(nuint size, out nint list);

    [LibraryImport("torch_cpu")]
    private static partial int torch_list_push_back(nint list, ulong element);
}
