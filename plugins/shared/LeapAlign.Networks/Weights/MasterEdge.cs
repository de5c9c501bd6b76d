using static TorchSharp.torch;

namespace LeapAlign.Networks.Weights;

/// <summary>
/// Connects the compute copy of a weight with its master in the graph, once for each use and without a copy of either: the result has the memory of the copy
/// and the history of the master. Autograd converts a gradient to the type of the edge before it is added to others, so that gradients of all uses in one
/// backward are rounded once and added up in the type of the master; at the one cast of a copy that is shared they would be added up in the type of the copy.
/// <para>
/// The edge is that of <c>aten::_unsafe_view</c> (a view that is no alias for autograd, so that an update of the master does not concern graphs of the copy),
/// whose result then takes the copy's memory by <c>aten::set_data</c>. Why not a function with a backward of its own: docs/decisions/0026.
/// </para>
/// </summary>
internal static unsafe class MasterEdge
{
    /// <summary>The copy's values with a graph of its own that leads to the master.</summary>
    /// <param name="master">A leaf that gradients are added up in.</param>
    /// <param name="copy">The same values in another type, without a graph.</param>
    /// <returns>A handle that belongs to the dispose scope.</returns>
    /// <exception cref="InvalidOperationException">libtorch refused; it has to be the version that the program was built for.</exception>
    public static Tensor Of(Tensor master, Tensor copy)
    {
        var edge = View(master);
        var stack = stackalloc ulong[2];
        stack[0] = StableCalls.Share(edge);
        stack[1] = StableCalls.Share(copy);
        StableCalls.Dispatch("aten::set_data", "", stack);
        return edge;
    }

    private static Tensor View(Tensor master)
    {
        var stack = stackalloc ulong[2];
        stack[0] = StableCalls.Share(master);
        stack[1] = StableCalls.List(master.shape);
        StableCalls.Dispatch("aten::_unsafe_view", "", stack);
        return Tensor.UnsafeCreateTensor((nint)stack[0]);
    }
}
