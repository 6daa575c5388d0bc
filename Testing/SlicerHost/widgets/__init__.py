"""The stand-ins of Slicer's Qt classes, by the name that a module or a .ui file knows them under."""

from __future__ import annotations

from . import (
    application,
    base,
    ctk_containers,
    ctk_inputs,
    ctk_paths,
    input_output,
    layout_manager,
    main_window,
    modules,
    node_combo_box,
    plots,
    segment_editor,
    segments_table,
    views,
)

STAND_INS = {
    stand_in.__name__: stand_in
    for stand_in in (
        base.qMRMLWidget,
        base.qSlicerWidget,
        ctk_containers.ctkCollapsibleButton,
        ctk_containers.ctkCollapsibleGroupBox,
        ctk_containers.ctkMessageBox,
        ctk_paths.ctkCheckablePushButton,
        ctk_paths.ctkColorPickerButton,
        ctk_paths.ctkComboBox,
        ctk_paths.ctkDirectoryButton,
        ctk_paths.ctkPathLineEdit,
        ctk_inputs.ctkDoubleSlider,
        ctk_inputs.ctkRangeWidget,
        ctk_inputs.ctkSliderWidget,
        node_combo_box.qMRMLNodeComboBox,
        plots.qMRMLPlotView,
        plots.qMRMLPlotWidget,
        segment_editor.qMRMLSegmentEditorWidget,
        segments_table.qMRMLSegmentsTableView,
        segment_editor.qSlicerSegmentEditorAbstractEffect,
        views.qMRMLSliceView,
        views.qMRMLSliceWidget,
        views.qMRMLThreeDView,
        views.qMRMLThreeDWidget,
        layout_manager.qSlicerLayoutManager,
        application.qSlicerApplication,
        input_output.qSlicerIOManager,
        main_window.qSlicerMainWindow,
        main_window.qSlicerModuleSelectorToolBar,
        modules.qSlicerLoadableModule,
        modules.qSlicerModuleFactoryManager,
        modules.qSlicerModuleManager,
        modules.qSlicerScriptedLoadableModule,
        modules.qSlicerScriptedLoadableModuleWidget,
    )
}
